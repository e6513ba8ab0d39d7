-- The dialog of "Animate selected…": what is to happen, with the values used last, and the recipe that would be used.

local LrBinding = import "LrBinding"
local LrDialogs = import "LrDialogs"
local LrTasks = import "LrTasks"
local LrView = import "LrView"

local PhotoMetadata = require "PhotoMetadata"
local RenderRequest = require "RenderRequest"
local Settings = require "Settings"

local AnimateDialog = {}

local KEPT = {
  "prompt",
  "motionOn",
  "motion",
  "durationOn",
  "duration",
  "camera",
  "quality",
  "variants",
  "generator",
  "importWhenDone",
}
local CAMERAS = {
  "static",
  "push_in",
  "pull_out",
  "pan_left",
  "pan_right",
  "tilt_up",
  "tilt_down",
  "orbit_left",
  "orbit_right",
  "handheld",
}
local MOST_VARIANTS = 8

local function auto()
  return { title = LOC "$$$/Afterframe/Dialog/Auto=As the photo suggests", value = Settings.AUTO }
end

local function cameraItems()
  local items = { auto() }
  for _, name in ipairs(CAMERAS) do
    items[#items + 1] = { title = PhotoMetadata.cameraText(name), value = name }
  end
  return items
end

local function generatorItems(generators)
  local items = { { title = LOC "$$$/Afterframe/Dialog/Best=Best available", value = Settings.AUTO } }
  for _, name in ipairs(generators) do
    items[#items + 1] = { title = name, value = name }
  end
  return items
end

local function variantItems()
  local items = {}
  for count = 1, MOST_VARIANTS do
    items[count] = { title = tostring(count), value = count }
  end
  return items
end

-- The recipe in words, with the reasons for each value.
local function explained(recipe)
  local lines = { PhotoMetadata.recipeText(recipe) }
  local names = {}
  for name in pairs(recipe.because) do
    names[#names + 1] = name
  end
  table.sort(names)
  for _, name in ipairs(names) do
    lines[#lines + 1] = name .. ": " .. table.concat(recipe.because[name], "; ")
  end
  return table.concat(lines, "\n")
end

-- Show the recipe for the first photo whose file the daemon can see.
local function preview(api, sorted, values)
  local item = sorted.asIs[1]
  local path = item and api:daemonPath(item.path)
  if not path then
    values.preview = LOC "$$$/Afterframe/Dialog/NoPreview=The recipe is chosen once Lightroom has rendered the photo."
    return
  end
  values.preview = LOC "$$$/Afterframe/Dialog/Previewing=Asking Afterframe…"
  local recipe, problem = api:recipe(path, RenderRequest.from(values).recipe)
  values.preview = recipe and explained(recipe) or problem.message .. " " .. problem.hint
end

local function label(f, title)
  return f:static_text { title = title, alignment = "right", width = LrView.share "afterframeLabel" }
end

local function previewBox(f, api, sorted, values)
  return f:group_box {
    title = LOC "$$$/Afterframe/Dialog/Recipe=Recipe for these settings",
    fill_horizontal = 1,
    -- Not a static_text: that draws neither a word that is too wide nor lines beyond its height.
    f:edit_field { value = LrView.bind "preview", enabled = false, width_in_chars = 60, height_in_lines = 9 },
    f:push_button {
      title = LOC "$$$/Afterframe/Dialog/Show=Update preview",
      action = function()
        LrTasks.startAsyncTask(function()
          preview(api, sorted, values)
        end)
      end,
    },
  }
end

local function settingRows(f, generators)
  local bind = LrView.bind
  return f:column {
    spacing = f:control_spacing(),
    f:row {
      label(f, LOC "$$$/Afterframe/Dialog/Prompt=What happens next:"),
      f:edit_field { value = bind "prompt", width_in_chars = 45, height_in_lines = 2 },
    },
    f:row {
      label(f, LOC "$$$/Afterframe/Dialog/Motion=Motion:"),
      f:checkbox { title = LOC "$$$/Afterframe/Dialog/Set=Set", value = bind "motionOn" },
      f:slider { value = bind "motion", min = 0, max = 1, enabled = bind "motionOn", width = 200 },
      f:edit_field {
        value = bind "motion",
        min = 0,
        max = 1,
        precision = 2,
        width_in_digits = 5,
        enabled = bind "motionOn",
      },
    },
    f:row {
      label(f, LOC "$$$/Afterframe/Dialog/Duration=Duration (seconds):"),
      f:checkbox { title = LOC "$$$/Afterframe/Dialog/Set=Set", value = bind "durationOn" },
      f:slider { value = bind "duration", min = 0.5, max = 20, enabled = bind "durationOn", width = 200 },
      f:edit_field {
        value = bind "duration",
        min = 0.5,
        max = 20,
        precision = 1,
        width_in_digits = 5,
        enabled = bind "durationOn",
      },
    },
    f:row {
      label(f, LOC "$$$/Afterframe/Dialog/Camera=Camera:"),
      f:popup_menu { value = bind "camera", items = cameraItems() },
    },
    f:row {
      label(f, LOC "$$$/Afterframe/Dialog/Quality=Quality:"),
      f:popup_menu { value = bind "quality", items = PhotoMetadata.qualityItems(Settings.AUTO) },
    },
    f:row {
      label(f, LOC "$$$/Afterframe/Dialog/Variants=Variants:"),
      f:popup_menu { value = bind "variants", items = variantItems() },
    },
    f:row {
      label(f, LOC "$$$/Afterframe/Dialog/Generator=Generator:"),
      f:popup_menu { value = bind "generator", items = generatorItems(generators) },
    },
    f:row {
      label(f, ""),
      f:checkbox {
        title = LOC "$$$/Afterframe/Dialog/Import=Import the clips when they are finished",
        value = bind "importWhenDone",
      },
    },
  }
end

local function known(names, name)
  for _, each in ipairs(names) do
    if each == name then
      return true
    end
  end
  return false
end

-- The values used last; a generator that is gone is not asked for.
local function lastValues(context, generators)
  local prefs, values = Settings.prefs(), LrBinding.makePropertyTable(context)
  for _, name in ipairs(KEPT) do
    values[name] = prefs[name]
  end
  if not known(generators, values.generator) then
    values.generator = Settings.AUTO
  end
  values.preview = ""
  return values
end

-- Ask about what Animate.prepare made. Returns the RenderRequest and whether to import the clips; nil when the user
-- cancelled.
function AnimateDialog.ask(context, prepared)
  local api, sorted, generators = prepared.api, prepared.sorted, prepared.state.health.generators
  local values = lastValues(context, generators)
  LrTasks.startAsyncTask(function()
    preview(api, sorted, values)
  end)
  local f = LrView.osFactory()
  local answer = LrDialogs.presentModalDialog {
    title = LOC("$$$/Afterframe/Dialog/Title=Photos to animate: ^1", #prepared.items),
    contents = f:column {
      bind_to_object = values,
      spacing = f:dialog_spacing(),
      settingRows(f, generators),
      previewBox(f, api, sorted, values),
    },
    actionVerb = LOC "$$$/Afterframe/Dialog/Action=Animate",
  }
  if answer ~= "ok" then
    return nil
  end
  local prefs = Settings.prefs()
  for _, name in ipairs(KEPT) do
    prefs[name] = values[name]
  end
  return RenderRequest.from(values), values.importWhenDone
end

return AnimateDialog

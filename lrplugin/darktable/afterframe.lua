--- Afterframe for darktable: brings photos to life as short clips, made by Afterframe's daemon.
-- darktable shows and asks, the daemon decides. Needs darktable 4.2 (Lua API 9.0) or newer, and curl.
local dt = require "darktable"

local function module(name)
  local here = debug.getinfo(1, "S").source:match "^@(.*[/\\])" or ""
  return dofile(here .. name .. ".lua")
end

local files, json, problems, proof = module "files", module "json", module "problems", module "proof"
local Log = module "log"
local Actions, Curl, Daemon, Panel = module "actions", module "curl", module "daemon", module "panel"
local Photos, Preferences, Renders = module "photos", module "preferences", module "renders"
local Status, Storage, Submit = module "status", module "storage", module "submit"

local NAME = "afterframe"
local VERSION = "0.1.0"
local STARTED = "afterframe for darktable"
local WINDOWS = dt.configuration.running_os == "windows"
local FOLDER = files.join(dt.configuration.config_dir, NAME)
local WINDOW_MS = 1500 -- darktable's window is up by then
local LATER_MS = 300 -- a selection that still changes is not looked up

local function tell(text)
  dt.print("Afterframe: " .. text)
end

-- Parts -----------------------------------------------------------------------------------------------------------

local log = Log.new { dt = dt, files = files, path = files.join(FOLDER, "afterframe.log") }
local preferences = Preferences.new { dt = dt, files = files, folder = FOLDER }

local function setting(name)
  return preferences:get(name)
end

local function set(name, value)
  preferences:set(name, value)
end

local curl = Curl.new { execute = dt.control.execute, files = files, windows = WINDOWS }
local daemon = Daemon.new {
  curl = curl,
  files = files,
  homes = function()
    return preferences:homes()
  end,
  json = json,
  log = log,
  proof = proof,
  setting = setting,
}
local photos = Photos.new {
  dt = dt,
  files = files,
  json = json,
  daemon = daemon,
  windows = WINDOWS,
  records = files.join(FOLDER, "renditions.json"),
}
local status = Status.new { daemon = daemon, photos = photos }
local panel, storage, actions

-- The panel -------------------------------------------------------------------------------------------------------

--- Show the status of the selection.
-- @param unasked the photographer did not ask for it. On Windows each question flashes a console (darktable#17193):
-- there the panel says how to ask.
local function show_selection(unasked)
  if not panel then
    return
  elseif WINDOWS and unasked then
    panel:show "“refresh” shows the status."
    return
  end
  local images = actions:selected()
  if not images[1] then
    local health, problem = daemon:health()
    local depth = health and health.queue_depth
    local text = depth and depth > 0 and depth .. " clips queued or rendering." or "No photo is selected."
    panel:show(health and text or problems.lines(problem))
    return
  end
  local found, problem = status:of(images)
  panel:show(found and Status.overview(found) or problems.lines(problem))
end

--- Show a text, or the status of the selection.
local function show(text)
  if panel and text then
    panel:show(text)
  else
    show_selection()
  end
end

local changes = 0

--- Show the status of the selection once it no longer changes.
local function selection_changed()
  changes = changes + 1
  local mine = changes
  dt.control.sleep(LATER_MS)
  if mine == changes and not dt.control.ending then
    show_selection(true)
  end
end

local function add_panel()
  if panel then
    return
  end
  panel = Panel.new { dt = dt, actions = actions, setting = setting, set = set }
  dt.register_lib(
    NAME,
    "afterframe",
    true,
    false,
    { [dt.gui.views.lighttable] = { "DT_UI_CONTAINER_PANEL_RIGHT_CENTER", 450 } },
    panel.widget
  )
  dt.control.dispatch(function()
    show_selection(true)
  end)
end

-- Into darktable --------------------------------------------------------------------------------------------------

--- Newer darktables tell when their window is up (darktable#19197).
local function window_is_up()
  local view = dt.gui.current_view()
  return rawget(_G, "darktable_gui_safe") ~= false and view and view.id == "lighttable"
end

local function connect()
  local function tag(image, state)
    pcall(photos.tag, photos, image, state) -- the photo may have been removed from darktable meanwhile
  end
  local submit = Submit.new { daemon = daemon, tell = tell, tag = tag }
  local renders = Renders.new {
    dt = dt,
    daemon = daemon,
    photos = photos,
    log = log,
    problems = problems,
    submit = submit,
    tag = tag,
    tell = tell,
    changed = show,
    windows = WINDOWS,
  }
  storage = Storage.new {
    dt = dt,
    daemon = daemon,
    photos = photos,
    files = files,
    setting = setting,
    set = set,
    tell = tell,
    animate = function(items)
      dt.control.dispatch(function()
        renders:run(items, { quality = Panel.quality(setting) })
      end)
    end,
  }
  actions = Actions.new {
    dt = dt,
    daemon = daemon,
    files = files,
    log = log,
    photos = photos,
    problems = problems,
    renders = renders,
    status = status,
    storage = storage,
    tell = tell,
    show = show_selection,
    overrides = function()
      return panel and panel:overrides() or {}
    end,
    windows = WINDOWS,
  }
end

local function start()
  log:begin(VERSION)
  preferences:register()
  connect()
  storage:register()
  local function animate()
    actions:animate()
  end
  dt.gui.libs.image.register_action(NAME, "animate", animate, "make a clip of each photo (Afterframe)")
  for name, label in pairs(Actions.SHORTCUTS) do
    dt.register_event(NAME .. "_" .. name, "shortcut", function()
      actions[name](actions)
    end, "Afterframe: " .. label)
  end
  dt.register_event(NAME, "selection-changed", selection_changed)
  if window_is_up() then
    add_panel()
  else
    dt.register_event(NAME, "view-changed", function(_, _, view)
      if view.id == "lighttable" then
        add_panel()
      end
    end)
  end
end

--- Show or hide the panel, which is there in the lighttable alone.
local function set_visible(visible)
  local view = dt.gui.current_view()
  if panel and view and view.id == "lighttable" then
    dt.gui.libs[NAME].visible = visible
  end
end

local function stop()
  dt.gui.libs.image.destroy_action(NAME)
  dt.destroy_storage(NAME)
  for name in pairs(Actions.SHORTCUTS) do
    dt.destroy_event(NAME .. "_" .. name, "shortcut")
  end
  dt.destroy_event(NAME, "selection-changed")
  set_visible(false) -- darktable cannot take a panel out again
end

-- For darktable's script manager.
local script_data = {
  metadata = {
    name = "Afterframe",
    purpose = "bring photos to life as short clips",
    author = "the Afterframe project",
  },
  destroy = stop,
  destroy_method = "hide",
  restart = start,
  show = function()
    set_visible(true)
  end,
}

if not dt.configuration.has_gui or dt.configuration.api_version_major < 9 then
  dt.print_error "afterframe: needs darktable 4.2 or newer, with its window"
elseif not package.loaded[STARTED] then
  package.loaded[STARTED] = script_data
  -- A widget that is made before darktable's window is up can deadlock darktable at its start (darktable#22357).
  dt.control.dispatch(function()
    dt.control.sleep(WINDOW_MS)
    if not dt.control.ending then
      start()
    end
  end)
end

return package.loaded[STARTED] or script_data -- loaded by luarc and by the script manager: once is enough

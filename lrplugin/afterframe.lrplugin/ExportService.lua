-- Export to a folder, as to the hard drive, and have the files animated. Works without the daemon: the files are
-- exported all the same, and handed over later.

local LrDialogs = import "LrDialogs"
local LrFunctionContext = import "LrFunctionContext"
local LrProgressScope = import "LrProgressScope"
local LrView = import "LrView"

local Animate = require "Animate"
local Api = require "Api"
local Catalog = require "Catalog"
local Handover = require "Handover"
local json = require "json"
local Paths = require "Paths"
local Settings = require "Settings"
local Summary = require "Summary"

local function title()
  return LOC "$$$/Afterframe/Export/Progress=Export and animate"
end

local function wishOf(settings)
  return Animate.wish {
    prompt = settings.afterframePrompt,
    camera = Settings.AUTO,
    generator = Settings.AUTO,
    variants = 1,
  }
end

-- Render all. Each is handed over at once: the first is animated while others render, and a folder that is also
-- watched does not animate it a second time by its own rules.
local function export(exportContext, handOver, summary)
  for _, rendition in exportContext:renditions { stopIfCanceled = true } do
    local rendered, result = rendition:waitForRender()
    local path = rendition.photo:getRawMetadata "path"
    if rendered then
      handOver { photo = rendition.photo, path = path, file = result, handed = true, fetched = {} }
    else
      summary:add("failed", path, { code = "render", message = tostring(result), hint = "" })
    end
  end
end

-- The files stay where they are; the photos remember what was wished until the daemon runs.
local function keepForLater(items, wish, summary)
  local marks = {}
  for _, item in ipairs(items) do
    summary:add("waiting", item.path)
    local there = Paths.toDaemon(item.file, Settings.mappings())
    local values = { status = "waiting", handed = there, wish = json.encode(wish), error = "" }
    marks[#marks + 1] = { photo = item.photo, values = values }
  end
  summary:count("unwritten", Catalog.mark(marks))
  summary.bad = summary.bad or #items > 0
end

-- Follow in a task of its own: the export is over when its files are written.
local function follow(api, items, cursor, paused, summary)
  LrFunctionContext.postAsyncTaskWithContext("Afterframe: follow an export", function(context)
    local scope = LrProgressScope { title = title(), functionContext = context }
    scope:setCancelable(true)
    Animate.finish(api, items, cursor, scope, paused, summary, Settings.prefs().importWhenDone)
    scope:done()
    if summary.bad then
      summary:show(title())
    end
  end)
end

local service = {
  canExportVideo = false,
  allowFileFormats = { "JPEG", "TIFF", "PNG" },
  allowColorSpaces = { "sRGB", "AdobeRGB", "ProPhotoRGB" },
  exportPresetFields = { { key = "afterframePrompt", default = "" } },
}

function service.sectionsForTopOfDialog(f)
  return {
    {
      title = LOC "$$$/Afterframe/Name=Afterframe",
      synopsis = LOC "$$$/Afterframe/Export/Synopsis=Animate what is exported",
      f:row {
        f:static_text { title = LOC "$$$/Afterframe/Dialog/Prompt=What happens next:" },
        f:edit_field { value = LrView.bind "afterframePrompt", width_in_chars = 45, height_in_lines = 2 },
      },
      f:static_text {
        title = LOC "$$$/Afterframe/Export/Info=Left empty: as the photo suggests. The clip appears beside the file.",
      },
    },
  }
end

function service.processRenderedPhotos(_, exportContext)
  local api, summary = Api.connect(), Summary.new()
  local wish = wishOf(exportContext.propertyTable)
  exportContext:configureProgress { title = title() }
  local state, problem = api:check()
  local cursor = state and api:events()
  local asked, sent, later = {}, {}, {}
  local function handOver(item)
    local folder = Paths.split(item.file)
    if state and not asked[folder] then
      asked[folder] = true
      Animate.openFolders(api, { item }, state.folders)
    end
    problem = problem or Handover.files(api, { item }, wish, function()
      return true
    end)
    local list = (item.renders or item.reason and item.reason ~= "unsent") and sent or later
    list[#list + 1] = item
  end
  export(exportContext, handOver, summary)
  keepForLater(later, wish, summary)
  if #sent > 0 then
    follow(api, sent, cursor and cursor.cursor, state.health.paused, summary)
  elseif problem or summary.bad then
    local why = problem and problem.message .. "\n\n" or ""
    LrDialogs.message(title(), why .. summary:text(), "warning")
  end
end

return service

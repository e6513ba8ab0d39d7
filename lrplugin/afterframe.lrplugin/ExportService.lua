-- Export to a folder, as to the hard drive, and have the files animated. Works without the daemon: the files are
-- exported all the same, and handed over later.

local LrDialogs = import "LrDialogs"
local LrFunctionContext = import "LrFunctionContext"
local LrProgressScope = import "LrProgressScope"
local LrView = import "LrView"

local Animate = require "Animate"
local Api = require "Api"
local Deferred = require "Deferred"
local Folders = require "Folders"
local Paths = require "Paths"
local PhotoMetadata = require "PhotoMetadata"
local RenderRequest = require "RenderRequest"
local Settings = require "Settings"
local Submit = require "Submit"
local Summary = require "Summary"

local function title()
  return LOC "$$$/Afterframe/Export/Progress=Export and animate"
end

local function requestOf(settings)
  return RenderRequest.from {
    prompt = settings.afterframePrompt,
    camera = Settings.AUTO,
    quality = settings.afterframeQuality,
    generator = Settings.AUTO,
  }
end

-- Render all. Each is submitted at once: the first is animated while others render, and a folder that is also
-- watched does not animate it a second time by its own rules.
local function export(exportContext, submit, summary)
  for _, rendition in exportContext:renditions { stopIfCanceled = true } do
    local rendered, result = rendition:waitForRender()
    local path = rendition.photo:getRawMetadata "path"
    if rendered then
      submit { photo = rendition.photo, path = path, file = result, handed = true, fetched = {} }
    else
      summary:add("failed", path, { code = "render", message = tostring(result), hint = "" })
    end
  end
end

-- Follow in a task of its own: the export is over when its files are written.
local function follow(api, items, summary, how)
  LrFunctionContext.postAsyncTaskWithContext("Afterframe: follow an export", function(context)
    local scope = LrProgressScope { title = title(), functionContext = context }
    scope:setCancelable(true)
    Animate.finish(api, items, scope, summary, how)
    scope:done()
    if summary.hasProblems then
      summary:show(title())
    end
  end)
end

-- A function that submits one exported file; and what it fills: { submitted, later, problem }, the problem when nothing
-- more can be submitted. check: { state, problem } as the daemon answered.
local function submitter(api, check, request)
  local asked, state = {}, check.state
  local outcome = { submitted = {}, later = {}, problem = check.problem }
  local function submit(item)
    local folder = Paths.split(item.file)
    if state and not asked[folder] then
      asked[folder] = true
      Folders.ask(api, { item }, state.folders)
    end
    outcome.problem = outcome.problem or Submit.files(api, { item }, request, Submit.UNSEEN)
    local arrived = item.renders or item.reason and item.reason ~= "unsent"
    local list = arrived and outcome.submitted or outcome.later
    list[#list + 1] = item
  end
  return submit, outcome
end

local service = {
  canExportVideo = false,
  allowFileFormats = { "JPEG", "TIFF", "PNG" },
  allowColorSpaces = { "sRGB", "AdobeRGB", "ProPhotoRGB" },
  exportPresetFields = {
    { key = "afterframePrompt", default = "" },
    { key = "afterframeQuality", default = Settings.AUTO },
  },
}

function service.sectionsForTopOfDialog(f)
  return {
    {
      title = LOC "$$$/Afterframe/Name=Afterframe",
      synopsis = LOC "$$$/Afterframe/Export/Synopsis=Animate exported photos",
      f:row {
        f:static_text { title = LOC "$$$/Afterframe/Dialog/Prompt=What happens next:" },
        f:edit_field { value = LrView.bind "afterframePrompt", width_in_chars = 45, height_in_lines = 2 },
      },
      f:row {
        f:static_text { title = LOC "$$$/Afterframe/Dialog/Quality=Quality:" },
        f:popup_menu { value = LrView.bind "afterframeQuality", items = PhotoMetadata.qualityItems(Settings.AUTO) },
      },
      f:static_text {
        title = LOC "$$$/Afterframe/Export/Info=Empty: the photo decides. The clip is saved beside the file.",
      },
    },
  }
end

function service.processRenderedPhotos(_, exportContext)
  local api, summary = Api.connect(), Summary.new()
  local request = requestOf(exportContext.propertyTable)
  exportContext:configureProgress { title = title() }
  local state, problem = api:check()
  local start = state and api:events()
  local submit, outcome = submitter(api, { state = state, problem = problem }, request)
  export(exportContext, submit, summary)
  Deferred.keep(outcome.later, request, summary)
  if #outcome.submitted > 0 then
    local import = Settings.prefs().importWhenDone
    local how = { cursor = start and start.cursor, paused = state.health.paused, import = import }
    follow(api, outcome.submitted, summary, how)
  elseif outcome.problem or summary.hasProblems then
    local why = outcome.problem and outcome.problem.message .. "\n\n" or ""
    LrDialogs.message(title(), why .. summary:text(), "warning")
  end
end

return service

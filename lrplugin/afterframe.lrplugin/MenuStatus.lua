-- Library > Plug-in Extras > Status: brings the fields up to date; from the sidecars when the daemon does not run.
local Api = require "Api"
local Catalog = require "Catalog"
local Deferred = require "Deferred"
local Paths = require "Paths"
local PhotoMetadata = require "PhotoMetadata"
local Results = require "Results"
local Settings = require "Settings"
local Sidecars = require "Sidecars"
local Summary = require "Summary"
local Task = require "Task"
local Verdicts = require "Verdicts"

local function heading(api, state, problem)
  if problem then
    return problem.message
  end
  local text = LOC(
    "$$$/Afterframe/Status/Running=Afterframe ^1 at ^2; queued or rendering: ^3",
    state.health.version,
    api.address,
    state.health.queue_depth
  )
  return state.health.paused and LOC("$$$/Afterframe/Status/Paused=^1; the queue is paused", text) or text
end

local function tally(items, summary)
  for _, item in ipairs(items) do
    local entry = item.entry
    local status = entry and PhotoMetadata.values(entry, nil, "").status
    if status and status ~= "" then
      summary:add(status, item.path, status == "failed" and entry.error or nil)
    end
  end
end

Task.start("Afterframe: status", function()
  local api, summary = Api.connect(), Summary.new()
  local state, problem = api:check()
  local photos = Catalog.selected()
  local items = PhotoMetadata.items(api, #photos > 0 and photos or Catalog.photosWith "status")
  if state then
    Deferred.submit(api, items, summary, state.folders)
    problem = Verdicts.sync(api, summary) or PhotoMetadata.lookUp(api, items)
  else
    local mappings = Settings.mappings()
    Sidecars.lookUp(items, function(path)
      return (Paths.toHere(path, mappings))
    end)
  end
  tally(items, summary)
  Results.write(api, items, summary)
  summary:show(heading(api, state, problem))
end)

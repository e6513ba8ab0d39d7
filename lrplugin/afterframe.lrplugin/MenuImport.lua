-- Library > Plug-in Extras > Import finished clips: of the selected photos, or of all when none is selected.
local LrProgressScope = import "LrProgressScope"

local Api = require "Api"
local Catalog = require "Catalog"
local Clips = require "Clips"
local Daemon = require "Daemon"
local Deferred = require "Deferred"
local PhotoMetadata = require "PhotoMetadata"
local Results = require "Results"
local Summary = require "Summary"
local Task = require "Task"
local Verdicts = require "Verdicts"

Task.start("Afterframe: import finished clips", function(context)
  local title = LOC "$$$/Afterframe/Import/Title=Clips from Afterframe"
  local api, summary = Api.connect(), Summary.new()
  local state = Daemon.reach(api)
  if not state then
    return
  end
  local photos = Catalog.selected()
  local items = PhotoMetadata.items(api, #photos > 0 and photos or Catalog.photosWith "status")
  local scope = LrProgressScope { title = title, functionContext = context }
  scope:setCancelable(true)
  local function tick()
    return not scope:isCanceled()
  end
  Deferred.submit(api, items, summary, state.folders)
  local problem = Verdicts.sync(api, summary) or PhotoMetadata.lookUp(api, items, tick)
  if problem then
    summary:add("failed", nil, problem)
  end
  Clips.import(api, items, summary, tick)
  Results.write(api, items, summary)
  scope:done()
  summary:show(title)
end)

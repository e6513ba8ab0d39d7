-- Library > Plug-in Extras > Cancel…: the renders of the selected photos, or everything.
local LrDialogs = import "LrDialogs"

local Api = require "Api"
local Catalog = require "Catalog"
local Daemon = require "Daemon"
local PhotoMetadata = require "PhotoMetadata"
local Results = require "Results"
local Summary = require "Summary"
local Task = require "Task"

local PENDING = { queued = true, running = true }

local function pendingRenders(items)
  local ids = {}
  for _, item in ipairs(items) do
    for _, render in ipairs(item.entry and item.entry.renders or {}) do
      if PENDING[render.state] then
        ids[#ids + 1] = render.id
      end
    end
  end
  return ids
end

local function cancelThese(api, items, ids)
  local summary = Summary.new()
  for first = 1, #ids, Api.IDS do
    local answer, problem = api:cancel { unpack(ids, first, math.min(first + Api.IDS - 1, #ids)) }
    if answer then
      summary:count("cancelled", #answer.renders)
    else
      summary:add("failed", nil, problem)
    end
  end
  PhotoMetadata.lookUp(api, items)
  Results.write(api, items, summary)
  summary:show(LOC "$$$/Afterframe/Cancel/Title=Cancel renders")
end

Task.start("Afterframe: cancel", function()
  local api = Api.connect()
  if not Daemon.reach(api) then
    return
  end
  local items = PhotoMetadata.items(api, Catalog.selected())
  local problem = PhotoMetadata.lookUp(api, items)
  if problem then
    return Daemon.explain(problem)
  end
  local ids, queue = pendingRenders(items), api:queue()
  local answer = LrDialogs.confirm(
    LOC "$$$/Afterframe/Cancel/Ask=What do you want to cancel?",
    LOC(
      "$$$/Afterframe/Cancel/Info=Queued or rendering for the selected photos: ^1. In total: ^2.",
      #ids,
      queue and queue.depth or #ids
    ),
    LOC "$$$/Afterframe/Cancel/Selected=Selected photos",
    LOC "$$$/Afterframe/Cancel/None=Nothing",
    LOC "$$$/Afterframe/Cancel/All=Everything"
  )
  if answer == "ok" then
    cancelThese(api, items, ids)
  elseif answer == "other" then
    local _, failed = api:cancelAll()
    if failed then
      return Daemon.explain(failed)
    end
    cancelThese(api, PhotoMetadata.items(api, Catalog.photosWith "status"), {})
  end
end)

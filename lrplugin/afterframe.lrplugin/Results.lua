-- The results of submitted items: their renders, what the summary counts, and the fields that the catalog keeps.

local Catalog = require "Catalog"
local Clips = require "Clips"
local PhotoMetadata = require "PhotoMetadata"

local Results = {}

-- The renders of items: id -> { path, state, progress, problem }.
function Results.renders(items)
  local renders = {}
  for _, item in ipairs(items) do
    for _, render in ipairs(item.renders or {}) do
      renders[render.id] = {
        path = item.daemonPath,
        state = render.state,
        progress = render.progress,
        problem = render.error,
      }
    end
  end
  return renders
end

-- The outcome of an item's renders: "done", "failed", "cancelled" or "unfinished"; and the problem.
local function outcome(item, renders)
  local states, problem = {}, nil
  for _, each in ipairs(item.renders) do
    local render = renders[each.id]
    states[render.state] = true
    problem = problem or render.state == "failed" and render.problem or nil
  end
  if states.queued or states.running or states.publishing then
    return "unfinished"
  end
  return states.done and "done" or states.failed and "failed" or "cancelled", problem
end

-- Count every item in the summary.
function Results.count(items, renders, summary)
  for _, item in ipairs(items) do
    if item.renders then
      local state, problem = outcome(item, renders)
      summary:add(state, item.path, state == "failed" and problem or nil)
    elseif item.reason then
      summary:add(item.reason, item.path, item.problem)
    end
  end
end

local function fields(api, item)
  local stillWaits = item.status == "waiting" and item.reason ~= "refused"
  if stillWaits then
    return nil
  elseif item.problem and not item.renders then
    return { status = "failed", error = PhotoMetadata.problemText(item.problem) }
  end
  return item.entry and PhotoMetadata.values(item.entry, Clips.newestLocal(api, item), api.address)
end

-- Write the fields of items for which the daemon has an entry or a problem.
function Results.write(api, items, summary)
  local changes = {}
  for _, item in ipairs(items) do
    local values = fields(api, item)
    if values then
      values.handed = item.handed and item.daemonPath or ""
      values.fetched = Clips.fetchedField(item)
      values.wish = ""
      changes[#changes + 1] = { photo = item.photo, path = item.path, values = values }
    end
  end
  Catalog.writeFields(changes, summary)
end

-- Mark photos as queued, so that “Import finished clips” and “Status” find them even if Lightroom quits.
function Results.writeQueued(items, summary)
  local changes = {}
  for _, item in ipairs(items) do
    if item.renders then
      local values = { status = "queued", handed = item.handed and item.daemonPath or "", error = "", wish = "" }
      changes[#changes + 1] = { photo = item.photo, path = item.path, values = values }
    end
  end
  Catalog.writeFields(changes, summary)
end

return Results

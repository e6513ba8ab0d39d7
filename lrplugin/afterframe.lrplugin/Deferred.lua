-- Photos exported while the daemon was not running: each remembers what was asked for, and is submitted later.

local json = require "json"

local Catalog = require "Catalog"
local Folders = require "Folders"
local Paths = require "Paths"
local Results = require "Results"
local Settings = require "Settings"
local Submit = require "Submit"

local Deferred = {}

-- The exported files stay where they are; their photos keep the request until the daemon runs.
function Deferred.keep(items, request, summary)
  local changes = {}
  for _, item in ipairs(items) do
    summary:add("waiting", item.path)
    local path = Paths.toDaemon(item.file, Settings.mappings())
    local values = { status = "waiting", handed = path, wish = json.encode(request), error = "" }
    changes[#changes + 1] = { photo = item.photo, path = item.path, values = values }
  end
  Catalog.writeFields(changes, summary)
  summary.hasProblems = summary.hasProblems or #items > 0
end

-- Those of the items that wait, with the file of each; and the same by their request, as JSON.
local function waiting(items)
  local found, byRequest = {}, {}
  for _, item in ipairs(items) do
    if item.status == "waiting" and item.daemonPath then
      item.file = Paths.toHere(item.daemonPath, Settings.mappings())
      found[#found + 1] = item
      local key = json.encode(item.request or {})
      byRequest[key] = byRequest[key] or {}
      table.insert(byRequest[key], item)
    end
  end
  return found, byRequest
end

-- Submit those of the items that wait; items come from PhotoMetadata.items.
function Deferred.submit(api, items, summary, folders)
  local found, byRequest = waiting(items)
  Folders.ask(api, found, folders)
  for _, group in pairs(byRequest) do
    Submit.files(api, group, group[1].request or {}, Submit.UNSEEN)
  end
  for _, item in ipairs(found) do
    if item.renders then
      item.status = "queued"
    else
      summary:add(item.reason, item.path, item.problem)
    end
  end
  Results.writeQueued(found, summary)
end

return Deferred

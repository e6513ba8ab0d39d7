-- Writing to the catalog of Lightroom: short gates, each with a time-out, and never a question inside one.

local LrApplication = import "LrApplication"
local LrTasks = import "LrTasks"

local Catalog = {}

local MARKED_AT_A_TIME, ADDED_AT_A_TIME = 50, 10 -- photos in one gate: importing takes its time
local TIMEOUT_S, TRIES, PAUSE_S = 5, 3, 1

-- Whether a gate opened and kept its work; if not, what Lightroom said. It says nothing when it is busy.
local function inGate(open)
  local reason
  for try = 1, TRIES do
    local ran, result = LrTasks.pcall(open)
    if ran and result ~= "aborted" then
      return true
    end
    reason = not ran and tostring(result) or nil
    if try < TRIES then
      LrTasks.sleep(PAUSE_S)
    end
  end
  return false, reason
end

-- Run `change(item)` for every item, some at a time in a gate. An item that Lightroom refuses gets .problem, what it
-- said, and takes no other with it; one whose gate did not open because Lightroom was busy gets .busy.
local function eachInGates(items, atATime, gate, change)
  for first = 1, #items, atATime do
    local last = math.min(first + atATime - 1, #items)
    local done, reason = inGate(function()
      return gate(function()
        for index = first, last do
          local ran, message = LrTasks.pcall(change, items[index])
          items[index].problem = not ran and tostring(message) or nil
        end
      end, { timeout = TIMEOUT_S })
    end)
    for index = first, last do
      local item = items[index]
      item.busy = not done and not reason
      item.problem = done and item.problem or reason
    end
    LrTasks.yield()
  end
end

local function countUnwritten(items, summary)
  for _, item in ipairs(items) do
    if item.busy then
      summary:add("unwritten", item.path)
    elseif item.problem then
      local message = LOC("$$$/Afterframe/Problem/Host=Lightroom refused the metadata: ^1", item.problem)
      summary:add("failed", item.path, { code = "host", message = message, hint = "" })
    end
  end
end

-- Set the plugin's fields: changes is a list of { photo, path, values }. The summary counts what was not written.
function Catalog.writeFields(changes, summary)
  local catalog = LrApplication.activeCatalog()
  eachInGates(changes, MARKED_AT_A_TIME, function(work, options)
    return catalog:withPrivateWriteAccessDo(work, options)
  end, function(mark)
    for name, value in pairs(mark.values) do
      mark.photo:setPropertyForPlugin(_PLUGIN, name, value ~= "" and value or nil)
    end
  end)
  countUnwritten(changes, summary)
end

-- Set flag and stars: verdicts is a list of { photo, path, pickStatus, rating }, rating nil for none. The summary
-- counts what was not written.
function Catalog.writeFlags(verdicts, summary)
  local catalog = LrApplication.activeCatalog()
  local title = LOC "$$$/Afterframe/Undo/Verdicts=Flags and stars from Afterframe"
  eachInGates(verdicts, MARKED_AT_A_TIME, function(work, options)
    return catalog:withWriteAccessDo(title, work, options)
  end, function(verdict)
    verdict.photo:setRawMetadata("pickStatus", verdict.pickStatus)
    verdict.photo:setRawMetadata("rating", verdict.rating)
  end)
  countUnwritten(verdicts, summary)
end

-- Add files: wanted is a list of { path, above = photo or nil }; each gets .photo, or .problem where it was refused (it
-- may have been added all the same, and not stacked), or .busy.
function Catalog.addPhotos(wanted)
  local catalog = LrApplication.activeCatalog()
  local title = LOC "$$$/Afterframe/Undo/Import=Import clips from Afterframe"
  eachInGates(wanted, ADDED_AT_A_TIME, function(work, options)
    return catalog:withWriteAccessDo(title, work, options)
  end, function(item)
    if item.above then
      item.photo = catalog:addPhoto(item.path, item.above, "below")
    else
      item.photo = catalog:addPhoto(item.path)
    end
  end)
end

-- The photo of a file, if the catalog has it.
function Catalog.findByPath(path)
  return LrApplication.activeCatalog():findPhotoByPath(path)
end

-- What is selected; nothing selected gives nothing (the SDK alone would give the whole filmstrip).
function Catalog.selected()
  local catalog = LrApplication.activeCatalog()
  return catalog:getTargetPhoto() and catalog:getTargetPhotos() or {}
end

-- Every photo in which one of the plugin's fields is set.
function Catalog.photosWith(field)
  return LrApplication.activeCatalog():findPhotosWithProperty(_PLUGIN.id, field)
end

-- photo -> { key -> value } of Lightroom's own metadata.
function Catalog.rawMetadata(photos, keys)
  return #photos > 0 and LrApplication.activeCatalog():batchGetRawMetadata(photos, keys) or {}
end

-- photo -> { field -> value } of the plugin's fields.
function Catalog.fields(photos, names)
  return #photos > 0 and LrApplication.activeCatalog():batchGetPropertyForPlugin(photos, _PLUGIN, names) or {}
end

-- What a search gives.
function Catalog.find(searchDesc)
  return LrApplication.activeCatalog():findPhotos { searchDesc = searchDesc }
end

return Catalog

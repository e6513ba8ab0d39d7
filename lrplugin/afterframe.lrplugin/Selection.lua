-- The selected photos by how they are handed over: their files as they are, or renditions that Lightroom makes.

local LrDate = import "LrDate"
local LrFileUtils = import "LrFileUtils"
local LrTasks = import "LrTasks"

local Catalog = require "Catalog"

local Selection = {}

local KEYS = {
  "path",
  "isVideo",
  "isVirtualCopy",
  "fileFormat",
  "isCropped",
  "smartPreviewInfo",
  "dateTimeOriginal",
}
local PLAIN = { JPG = true, TIFF = true, PNG = true, HEIC = true, AVIF = true }
local SEARCHED = { JPG = true, TIFF = true } -- formats that a search is known to call as raw metadata does
local DAY_S = 86400

-- Lightroom's own package, such as "Mobile Downloads.lrdata": sync may clear it, so no clip belongs there.
local function isLightrooms(path)
  return string.find(path, "%.lrdata[/\\]") ~= nil
end

-- Why a photo is left out, or nil; and whether Lightroom must render it, whatever was done to it.
local function judge(fact)
  if fact.isVideo then
    return "video"
  elseif fact.isVirtualCopy then
    return "copy"
  elseif fact.path and LrFileUtils.exists(fact.path) == "file" then
    return nil, isLightrooms(fact.path)
  end
  local preview = fact.smartPreviewInfo and fact.smartPreviewInfo.smartPreviewPath
  if fact.path and preview and preview ~= "" then
    return nil, true
  end
  return "missing"
end

-- Sort photos: { asIs, toRender, excluded }, lists of { photo, path, homeless, reason }. homeless: nothing can be put
-- beside the photo, because its folder is away or Lightroom's own.
function Selection.sort(photos)
  local facts = Catalog.rawMetadata(photos, KEYS)
  local developed = Selection.developed(photos, facts)
  local sorted = { asIs = {}, toRender = {}, excluded = {} }
  for index, photo in ipairs(photos) do
    local fact = facts[photo] or {} -- none: it was deleted meanwhile
    local reason, mustRender = judge(fact)
    local item = { photo = photo, path = fact.path, reason = reason, homeless = mustRender or nil }
    local toRender = mustRender or developed[photo.localIdentifier]
    local list = reason and sorted.excluded or toRender and sorted.toRender or sorted.asIs
    list[#list + 1] = item
    if index % 100 == 0 then
      LrTasks.yield()
    end
  end
  return sorted
end

local function day(time)
  return LrDate.timeToUserFormat(time, "%Y-%m-%d")
end

-- A search for developed photos, bounded to the formats and days of some photos: in an old catalog thousands upon
-- thousands are developed. nil bounds: what a search cannot say for each of the photos. A word that Lightroom does not
-- know as an operation hangs it.
local function searchFor(facts)
  local desc = { { criteria = "hasAdjustments", operation = "isTrue", value = true }, combine = "intersect" }
  local formats, first, last = {}, math.huge, -math.huge
  for _, fact in ipairs(facts) do
    formats = formats and SEARCHED[fact.fileFormat] and formats or nil
    if formats then
      formats[fact.fileFormat] = true
    end
    local time = fact.dateTimeOriginal
    first, last = time and math.min(first, time) or -math.huge, time and math.max(last, time) or math.huge
  end
  if formats then
    local union = { combine = "union" }
    for format in pairs(formats) do
      union[#union + 1] = { criteria = "fileFormat", operation = "==", value = format }
    end
    desc[#desc + 1] = union
  end
  if first > -math.huge and last < math.huge then
    local from, to = day(first - DAY_S), day(last + DAY_S) -- whatever the time zone
    desc[#desc + 1] = { criteria = "captureTime", operation = "in", value = from, value2 = to }
  end
  return desc
end

-- localIdentifier -> true for raw files and for photos that were developed or cropped: their file alone is not the
-- picture. (A photo that a search gives need not be the very object that the selection gave.)
function Selection.developed(photos, facts)
  local developed, plain = {}, {}
  for _, photo in ipairs(photos) do
    local fact = facts[photo] or {}
    -- The search below does not find a photo that was only cropped.
    developed[photo.localIdentifier] = fact.isCropped or not PLAIN[fact.fileFormat or ""]
    plain[#plain + 1] = not developed[photo.localIdentifier] and fact or nil
  end
  if #plain == 0 then
    return developed
  end
  -- One search for all: asking each photo for its develop settings takes minutes for thousands.
  local searched, found = LrTasks.pcall(Catalog.find, searchFor(plain))
  for _, photo in ipairs(searched and found or photos) do
    developed[photo.localIdentifier] = true -- when the search is not to be had, a rendition is right for every photo
  end
  return developed
end

return Selection

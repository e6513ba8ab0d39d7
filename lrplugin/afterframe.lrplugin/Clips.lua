-- Clips on this machine: found where the daemon put them, or fetched beside the photo; then imported and stacked.

local LrFileUtils = import "LrFileUtils"
local LrUUID = import "LrUUID"

local Catalog = require "Catalog"
local json = require "json"
local Paths = require "Paths"
local Settings = require "Settings"
local Staging = require "Staging"
local Verdicts = require "Verdicts"

local Clips = {}

local LAST_VARIANT = 999

-- Names for a clip beside a photo, as the daemon itself gives them: over nothing that is there.
local function freeName(photoPath)
  local folder, name = Paths.split(photoPath)
  local stem, suffix = Paths.stem(name)
  for _, base in ipairs { stem .. "_motion", stem .. "_" .. suffix .. "_motion" } do
    for variant = 1, LAST_VARIANT do
      local leaf = variant == 1 and base .. ".mp4" or base .. "-v" .. variant .. ".mp4"
      local path = Paths.child(folder, leaf)
      if not LrFileUtils.exists(path) and not LrFileUtils.exists(path .. ".xmp") then
        return path
      end
    end
  end
end

-- Write a file so that nobody sees half of it; nil and the reason when it cannot be.
local function write(path, bytes)
  local folder = Paths.split(path)
  local part = Paths.child(folder, ".afterframe-" .. LrUUID.generateUUID() .. ".part")
  local written, reason = Staging.write(part, bytes)
  if written and not LrFileUtils.exists(path) and LrFileUtils.move(part, path) then
    return true
  end
  LrFileUtils.delete(part)
  return nil, reason or "not written"
end

local function fetch(api, clip, item)
  local path = freeName(item.path)
  for _, part in ipairs { { "sidecar", ".xmp" }, { "file", "" } } do
    local bytes, problem = api:fetch(clip.id, part[1])
    if not bytes then
      return nil, problem
    end
    local written, reason = write(path .. part[2], bytes)
    if not written then
      return nil,
        {
          code = "not_written",
          message = LOC("$$$/Afterframe/Problem/NotWritten=The clip could not be saved beside the photo (^1).", reason),
          hint = LOC "$$$/Afterframe/Problem/NotWrittenHint=Check the disk's free space and permissions.",
        }
    end
  end
  item.fetched[clip.id] = path
  item.fetchedNow = true
  return path
end

-- Where a clip is on this machine, and whether it is there; nil when the daemon's disk cannot be seen from here.
-- The daemon's own path may by chance be a file of this machine too: only a mapping says that it is the same.
local function locate(api, clip, item)
  local path, mapped = Paths.toHere(clip.path, Settings.mappings())
  path = item.fetched[clip.id] or (mapped or api:isHere()) and path or nil
  return path, path ~= nil and LrFileUtils.exists(path) == "file"
end

-- The clip's path on this machine, fetched when the daemon's disk cannot be seen from here.
function Clips.localPath(api, clip, item)
  local path, exists = locate(api, clip, item)
  if exists then
    return path
  elseif api:isHere() then
    return nil,
      {
        code = "clip_gone",
        message = LOC("$$$/Afterframe/Problem/ClipGone=The clip is no longer where it was saved: ^1", path),
        hint = LOC "$$$/Afterframe/Problem/ClipGoneHint=It was moved or deleted. Animate the photo again.",
      }
  end
  return fetch(api, clip, item)
end

-- The newest clip that is on this machine already; nothing is fetched.
function Clips.newestLocal(api, item)
  for index = #item.entry.clips, 1, -1 do
    local path, exists = locate(api, item.entry.clips[index], item)
    if exists then
      return path
    end
  end
end

-- What is to be imported: a list of { path, above, clip, item }. Known clips and rejected ones are only counted.
local function wanted(api, items, summary, tick)
  local list = {}
  for _, item in ipairs(items) do
    local clips = item.entry and item.entry.clips or {}
    for _, clip in ipairs(clips) do
      local path, problem = nil, nil
      if clip.verdict == "rejected" then
        summary:add("rejectedClip", clip.path)
      else
        path, problem = Clips.localPath(api, clip, item)
      end
      if problem then
        summary:add("failed", item.path, problem)
      elseif path and Catalog.findByPath(path) then
        summary:add("alreadyImported", path)
      elseif path then
        local sameFolder = Paths.split(path) == Paths.split(item.path)
        list[#list + 1] = { path = path, above = sameFolder and item.photo or nil, clip = clip, item = item }
      end
    end
    if tick and not tick() then
      break
    end
  end
  return list
end

-- Lightroom may refuse to stack (a photo in another stack, say), before or after it added the clip: then without.
local function addUnstacked(list)
  local again = {}
  for _, one in ipairs(list) do
    one.photo = one.photo or one.problem and Catalog.findByPath(one.path) or nil
    if one.problem and not one.photo and one.above then
      again[#again + 1] = one
    end
    if one.problem and (one.photo or one.above) then
      one.above, one.problem = nil, nil
    end
  end
  Catalog.addPhotos(again)
end

local function countRefused(one, summary)
  if one.busy then
    summary:add("importBusy", one.path)
  else
    local message =
      LOC("$$$/Afterframe/Problem/Import=Lightroom could not import the clip: ^1", one.problem or "addPhoto")
    summary:add("failed", one.path, { code = "import", message = message, hint = "" })
  end
  summary.hasProblems = true
end

-- Import the clips of items (with .entry), stacked under their photos; a clip that is there is not added again.
function Clips.import(api, items, summary, tick)
  local list = wanted(api, items, summary, tick)
  Catalog.addPhotos(list)
  addUnstacked(list)
  local changes, verdicts = {}, {}
  for _, one in ipairs(list) do
    if one.photo then
      summary:add(one.above and "imported" or "unstacked", one.path)
      local values = Verdicts.values(one.clip, one.item.daemonPath)
      changes[#changes + 1] = { photo = one.photo, path = one.path, values = values }
      if one.clip.verdict ~= "none" or one.clip.rating > 0 then
        verdicts[#verdicts + 1] = Verdicts.asFlags(one.photo, one.clip)
      end
    else
      countRefused(one, summary)
    end
  end
  Catalog.writeFields(changes, summary)
  Catalog.writeFlags(verdicts, summary)
end

-- The field of a photo that remembers what was fetched for it.
function Clips.fetchedField(item)
  return next(item.fetched) and json.encode(item.fetched) or ""
end

return Clips

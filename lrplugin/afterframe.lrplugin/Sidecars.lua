-- Clips as their sidecars describe them, for when the daemon does not run. The sidecar is the durable record.

local LrFileUtils = import "LrFileUtils"

local Paths = require "Paths"

local Sidecars = {}

local NAMED = { lt = "<", gt = ">", amp = "&", quot = '"', apos = "'" }

local function plain(text)
  return (string.gsub(text, "&(%a+);", NAMED))
end

-- A simple property, written as an element or as an attribute (other programs rewrite it so).
local function property(packet, name)
  local escaped = string.gsub(name, "%p", "%%%0")
  local value = string.match(packet, "<" .. escaped .. ">([^<]*)</")
    or string.match(packet, "%s" .. escaped .. '="([^"]*)"')
    or string.match(packet, "%s" .. escaped .. "='([^']*)'")
  return value and plain(value)
end

-- What a sidecar says: a clip as the API describes it, as far as fields need it; nil when it is not one of ours.
function Sidecars.read(path)
  local packet = LrFileUtils.readFile(path)
  local photo = property(packet, "afterframe:photo")
  if not photo then
    return nil
  end
  return {
    photo = photo,
    id = string.gsub(property(packet, "xmpMM:DocumentID") or "", "^xmp%.did:", ""),
    path = (string.gsub(path, "%.xmp$", "")),
    verdict = property(packet, "afterframe:verdict") or "none",
    variant = tonumber(property(packet, "afterframe:variant")) or 1,
    rating = tonumber(property(packet, "xmp:Rating")) or 0,
    recipe = {
      camera_movement = property(packet, "afterframe:cameraMovement") or "",
      duration_s = tonumber(property(packet, "afterframe:duration")) or 0,
      motion_intensity = tonumber(property(packet, "afterframe:motionIntensity")) or 0,
      loop = property(packet, "afterframe:loop") == "True",
      prompt = property(packet, "afterframe:prompt") or "",
    },
  }
end

local function remember(sidecars, path)
  local _, name = Paths.split(path)
  local base = string.match(name, "^([^.].*)_motion[^_]*%.mp4%.xmp$")
  if base then
    sidecars[base] = sidecars[base] or {}
    table.insert(sidecars[base], path)
  end
end

-- What a folder holds: the beginning of a clip's name -> paths of its sidecars. Each folder is read once; one that is
-- away, as on an unplugged drive, holds nothing.
local function sidecarsIn(folder, known)
  if not known[folder] then
    known[folder] = {}
    if LrFileUtils.exists(folder) == "directory" then
      for path in LrFileUtils.files(folder) do
        remember(known[folder], path)
      end
    end
  end
  return known[folder]
end

-- Clips that lie beside a file, under either of the names that they may have.
local function beside(file, known)
  local folder, name = Paths.split(file)
  local stem, suffix = Paths.stem(name)
  local clips, sidecars = {}, sidecarsIn(folder, known)
  for _, base in ipairs { stem, stem .. "_" .. suffix } do
    for _, sidecar in ipairs(sidecars[base] or {}) do
      local clip = Sidecars.read(sidecar)
      if clip and clip.photo == name and LrFileUtils.exists(clip.path) then
        clips[#clips + 1] = clip
      end
    end
  end
  return clips
end

-- Give each item that has clips on this machine an .entry like the daemon's lookup would.
function Sidecars.lookUp(items, toHere)
  local known = {}
  for _, item in ipairs(items) do
    local clips = beside(item.handed and toHere(item.daemonPath) or item.path, known)
    for _, path in pairs(item.fetched) do
      if LrFileUtils.exists(path) and LrFileUtils.exists(path .. ".xmp") then
        clips[#clips + 1] = Sidecars.read(path .. ".xmp")
      end
    end
    table.sort(clips, function(one, other)
      return one.variant < other.variant
    end)
    if #clips > 0 then
      item.entry = { state = "done", clips = clips, renders = {} }
    end
  end
end

return Sidecars

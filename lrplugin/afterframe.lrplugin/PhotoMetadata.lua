-- What the plugin's fields say of a photo, from what the daemon (or a sidecar) says of it.

local Api = require "Api"
local Catalog = require "Catalog"
local json = require "json"

local PhotoMetadata = {}

local STATUS = {
  queued = "queued",
  running = "queued",
  publishing = "queued",
  failed = "failed",
  cancelled = "cancelled",
}

local LONGEST = 500 -- bytes; Lightroom keeps at most 511 in a field that can be searched

-- A text short enough for a field, cut between characters.
function PhotoMetadata.truncate(text)
  if #text <= LONGEST then
    return text
  end
  return (string.gsub(string.sub(text, 1, LONGEST), "[\192-\255]?[\128-\191]*$", "")) .. "…"
end

-- A recipe in one line.
function PhotoMetadata.recipeText(recipe)
  local parts = {
    PhotoMetadata.cameraText(recipe.camera_movement),
    LOC("$$$/Afterframe/Recipe/Duration=^1 s", string.format("%g", recipe.duration_s)),
    LOC("$$$/Afterframe/Recipe/Motion=motion ^1", string.format("%.2f", recipe.motion_intensity)),
  }
  if recipe.loop then
    parts[#parts + 1] = LOC "$$$/Afterframe/Recipe/Loop=loop"
  end
  parts[#parts + 1] = recipe.prompt
  return table.concat(parts, " · ")
end

function PhotoMetadata.cameraText(name)
  return ({
    static = LOC "$$$/Afterframe/Camera/Static=static camera",
    push_in = LOC "$$$/Afterframe/Camera/PushIn=push in",
    pull_out = LOC "$$$/Afterframe/Camera/PullOut=pull out",
    pan_left = LOC "$$$/Afterframe/Camera/PanLeft=pan left",
    pan_right = LOC "$$$/Afterframe/Camera/PanRight=pan right",
    tilt_up = LOC "$$$/Afterframe/Camera/TiltUp=tilt up",
    tilt_down = LOC "$$$/Afterframe/Camera/TiltDown=tilt down",
    orbit_left = LOC "$$$/Afterframe/Camera/OrbitLeft=orbit left",
    orbit_right = LOC "$$$/Afterframe/Camera/OrbitRight=orbit right",
    handheld = LOC "$$$/Afterframe/Camera/Handheld=handheld",
  })[name] or name
end

-- What the menus for a clip's quality offer: for RenderRequest.from.
function PhotoMetadata.qualityItems(usual)
  return {
    { title = LOC "$$$/Afterframe/Quality/Usual=As set in Afterframe", value = usual },
    { title = LOC "$$$/Afterframe/Quality/Fast=Fast", value = "fast" },
    { title = LOC "$$$/Afterframe/Quality/Standard=Standard", value = "standard" },
    { title = LOC "$$$/Afterframe/Quality/Best=Best", value = "best" },
  }
end

local function statusOf(entry, clip)
  if clip and clip.verdict ~= "none" then
    return clip.verdict
  end
  return clip and not STATUS[entry.state] and "done" or STATUS[entry.state]
end

-- A problem as a field keeps it.
function PhotoMetadata.problemText(problem)
  return PhotoMetadata.truncate(problem.message .. " " .. (problem.hint or ""))
end

-- The fields of a photo. entry: a photo of the daemon's lookup; clipPath: its newest clip on this machine, if any.
function PhotoMetadata.values(entry, clipPath, address)
  local clip, render = entry.clips[#entry.clips], entry.renders[#entry.renders]
  local recipe = clip and clip.recipe or render and render.recipe
  return {
    status = statusOf(entry, clip) or "",
    clip = clipPath or "",
    recipe = recipe and PhotoMetadata.truncate(PhotoMetadata.recipeText(recipe)) or "",
    error = entry.error and PhotoMetadata.problemText(entry.error) or "",
    reviewUrl = clip and address .. "/#" .. clip.id or "",
  }
end

-- Items for photos of the catalog, without clips: { photo, path, daemonPath, handed, fetched, request, status }.
function PhotoMetadata.items(api, photos)
  local facts = Catalog.rawMetadata(photos, { "path" })
  local fields = Catalog.fields(photos, { "handed", "fetched", "wish", "clipId", "status" })
  local items = {}
  for _, photo in ipairs(photos) do
    local kept, path = fields[photo] or {}, facts[photo] and facts[photo].path
    if path and not kept.clipId then -- without a path it was deleted meanwhile
      items[#items + 1] = {
        photo = photo,
        path = path,
        daemonPath = kept.handed or api:daemonPath(path),
        handed = kept.handed ~= nil,
        fetched = kept.fetched and json.decode(kept.fetched) or {},
        request = kept.wish and json.decode(kept.wish) or nil,
        status = kept.status,
      }
    end
  end
  return items
end

-- Ask the daemon about items; each that it knows gets .entry. Returns a problem, or nil.
function PhotoMetadata.lookUp(api, items, tick)
  local asked = {}
  for _, item in ipairs(items) do
    if item.daemonPath then
      asked[#asked + 1] = item
    end
  end
  for first = 1, #asked, Api.BATCH do
    local paths, batch = {}, { unpack(asked, first, math.min(first + Api.BATCH - 1, #asked)) }
    for index, item in ipairs(batch) do
      paths[index] = item.daemonPath
    end
    local entries, problem = api:lookup(paths)
    if not entries then
      return problem
    end
    for index, entry in ipairs(entries) do
      batch[index].entry = entry
    end
    if tick and not tick(#batch) then
      return nil
    end
  end
end

return PhotoMetadata

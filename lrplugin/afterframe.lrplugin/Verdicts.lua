-- Flags and stars of imported clips <-> verdicts and ratings of the daemon.
-- Each clip remembers what both sides last agreed on, so that it is known who changed it; when both did, Lightroom,
-- where the photographer sits, wins.

local LrTasks = import "LrTasks"

local Api = require "Api"
local Catalog = require "Catalog"

local Verdicts = {}

local VERDICT = { [1] = "approved", [0] = "none", [-1] = "rejected" }
local FLAG = { approved = 1, none = 0, rejected = -1 }

local function agreement(verdict, rating)
  return verdict .. " " .. string.format("%d", rating)
end

-- The fields of an imported clip. daemonPath: of its photo.
function Verdicts.values(clip, daemonPath)
  return {
    clipId = clip.id,
    clipOf = daemonPath,
    agreed = agreement(clip.verdict, clip.rating),
    status = clip.verdict == "none" and "done" or clip.verdict,
  }
end

-- Lightroom knows no rating of 0: nil stands for none.
function Verdicts.asFlags(photo, clip)
  local rating = clip.rating > 0 and clip.rating or nil
  return { photo = photo, path = clip.path, pickStatus = FLAG[clip.verdict] or 0, rating = rating }
end

-- The daemon's view of the imported clips: id -> clip; or nil and a problem.
local function clipsOf(api, fields)
  local paths, seen, clips = {}, {}, {}
  for _, field in pairs(fields) do
    if field.clipOf and not seen[field.clipOf] then
      seen[field.clipOf] = true
      paths[#paths + 1] = field.clipOf
    end
  end
  for first = 1, #paths, Api.BATCH do
    local entries, problem = api:lookup { unpack(paths, first, math.min(first + Api.BATCH - 1, #paths)) }
    if not entries then
      return nil, problem
    end
    for _, entry in ipairs(entries) do
      for _, clip in ipairs(entry.clips) do
        clips[clip.id] = clip
      end
    end
    LrTasks.yield()
  end
  return clips
end

-- What to do about one clip: "push", "pull" or nil.
local function direction(verdict, rating, clip, agreed)
  local ours, theirs = agreement(verdict, rating), agreement(clip.verdict, clip.rating)
  if ours == theirs then
    return nil
  end
  return ours ~= agreed and "push" or "pull"
end

-- The changes whose flags, if any, Lightroom took: only there do both sides agree now.
local function agreed(changes, summary)
  local list = {}
  for _, change in ipairs(changes) do
    local flag = change.flag
    if not flag or not (flag.busy or flag.problem) then
      list[#list + 1] = change
    end
    if flag and not (flag.busy or flag.problem) then
      summary:add("fromDaemon", change.path)
    end
  end
  return list
end

-- Carry verdicts both ways for every imported clip. Returns a problem, or nil.
function Verdicts.sync(api, summary)
  local photos = Catalog.photosWith "clipId"
  local fields = Catalog.fields(photos, { "clipId", "clipOf", "agreed" })
  local facts = Catalog.rawMetadata(photos, { "path", "pickStatus", "rating" })
  local clips, problem = clipsOf(api, fields)
  if not clips then
    return problem
  end
  local changes, flags = {}, {}
  for _, photo in ipairs(photos) do
    local field, fact = fields[photo] or {}, facts[photo] or {} -- nothing: it was deleted meanwhile
    local clip, rating = fact.path and clips[field.clipId or ""], fact.rating or 0
    local verdict = VERDICT[fact.pickStatus or 0]
    local way = clip and direction(verdict, rating, clip, field.agreed)
    local flag = nil
    if way == "push" then
      clip, problem = api:setVerdict(clip.id, verdict, rating)
      summary:add(clip and "toDaemon" or "failed", fact.path, problem)
    elseif way == "pull" then
      flag = Verdicts.asFlags(photo, clip)
      flags[#flags + 1] = flag
    end
    if clip and (way or agreement(verdict, rating) ~= field.agreed) then
      local values = Verdicts.values(clip, field.clipOf)
      changes[#changes + 1] = { photo = photo, path = fact.path, values = values, flag = flag }
    end
  end
  Catalog.writeFlags(flags, summary)
  Catalog.writeFields(agreed(changes, summary), summary)
end

return Verdicts

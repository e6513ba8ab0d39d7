--- The status of photos as the daemon has it: looked up, as a tag, as text.
local Status = {}
Status.__index = Status

local AT_ONCE = 200 -- photos in one look-up
local SHOWN = 6 -- photos named one by one

--- @param parts.daemon, parts.photos as in the modules of these names
function Status.new(parts)
  return setmetatable(parts, Status)
end

--- The status of images.
-- @return a list of {image, state, error, clips}; or nil and the problem
function Status:of(images)
  local found, of, paths = {}, {}, {}
  for index, image in ipairs(images) do
    found[index] = { image = image, state = "unknown", clips = {} }
    for _, path in ipairs(self.photos:files_of(image)) do
      paths[#paths + 1] = self.daemon:there(path)
      of[paths[#paths]] = found[index]
    end
  end
  for first = 1, #paths, AT_ONCE do
    local asked = table.move(paths, first, math.min(first + AT_ONCE - 1, #paths), 1, {})
    local answer, problem = self.daemon:ask("/api/photos/lookup", { paths = asked })
    if not answer then
      return nil, problem
    end
    for _, photo in ipairs(answer.photos) do
      local entry = of[photo.path]
      if #photo.renders > 0 or #photo.clips > 0 then
        entry.state, entry.error = photo.state, photo.error
      end
      table.move(photo.clips, 1, #photo.clips, #entry.clips + 1, entry.clips)
    end
  end
  for _, entry in ipairs(found) do
    table.sort(entry.clips, function(a, b)
      return a.created_at < b.created_at
    end)
    entry.newest = entry.clips[#entry.clips]
  end
  return found
end

--- The tag of a photo's status; nil when nothing is known of it.
function Status.tag(entry)
  if entry.newest and entry.newest.verdict ~= "none" then
    return entry.newest.verdict
  elseif entry.state == "running" or entry.state == "publishing" then
    return "queued"
  end
  return entry.state ~= "unknown" and entry.state or nil
end

local function text_of(entry)
  local parts = { entry.image.filename .. ": " .. (Status.tag(entry) or "not animated") }
  if entry.newest then
    parts[#parts + 1] = ("%.1f s, %s"):format(entry.newest.duration_s, entry.newest.generator)
    parts[#parts + 1] = #entry.clips > 1 and #entry.clips .. " variants" or nil
  end
  if entry.error then
    parts[#parts + 1] = entry.error.message
  end
  return table.concat(parts, ", ")
end

--- The status of some photos in a few lines.
function Status.overview(found)
  local lines, counts = {}, {}
  if #found <= SHOWN then
    for index, entry in ipairs(found) do
      lines[index] = text_of(entry)
    end
    return table.concat(lines, "\n")
  end
  for _, entry in ipairs(found) do
    local tag = Status.tag(entry) or "not animated"
    counts[tag] = (counts[tag] or 0) + 1
  end
  for tag, times in pairs(counts) do
    lines[#lines + 1] = times .. " " .. tag
  end
  table.sort(lines)
  return #found .. " photos: " .. table.concat(lines, ", ")
end

return Status

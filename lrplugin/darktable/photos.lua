--- darktable's images and the files that stand for them: the photo itself, or a rendition of a raw or developed one;
-- the poster of a clip, grouped with its photo; and tags for its status.
local Photos = {}
Photos.__index = Photos

local ANIMATABLE = {
  jpg = true,
  jpeg = true,
  jpe = true,
  jfif = true,
  tif = true,
  tiff = true,
  png = true,
  webp = true,
  heic = true,
  heif = true,
  hif = true,
  heics = true,
  heifs = true,
  avif = true,
  avifs = true,
}
local LONGEST = 4096 -- of a rendition, pixels: more than any clip has
local QUALITY = 95

local TAGS = "darktable|afterframe|" -- darktable keeps tags under its own name out of sidecars and exported files
local STATES = { "queued", "done", "failed", "cancelled", "approved", "rejected" }

--- @param parts.dt darktable
-- @param parts.files, parts.json the modules of these names
-- @param parts.daemon where paths are mapped
-- @param parts.records the file that says which renditions stand for which images
function Photos.new(parts)
  local photos = setmetatable(parts, Photos)
  photos.renditions = photos.json.decode(photos.files.read(photos.records) or "") or {}
  return photos
end

--- Whether an image has one of our tags.
local function has_tag(image, name)
  for _, tag in ipairs(image:get_tags()) do
    if tag.name == TAGS .. name then
      return true
    end
  end
  return false
end

--- An image's own file.
function Photos:path(image)
  return self.files.join(image.path, image.filename)
end

local function suffix_of(name)
  return (name:match("%.([^./\\]+)$") or ""):lower()
end

--- Whether the file itself looks as the image does: of a kind that can be animated, and not developed.
function Photos.is_plain(image)
  return ANIMATABLE[suffix_of(image.filename)] and not image.is_altered and image.duplicate_index == 0
end

--- Tag an image with its status, in place of an earlier one.
-- @param state one of STATES; nil: nothing is known of it
function Photos:tag(image, state)
  local current = {}
  for _, tag in ipairs(image:get_tags()) do
    current[tag.name] = tag
  end
  for _, name in ipairs(STATES) do
    local tag = current[TAGS .. name]
    if tag and name ~= state then
      image:detach_tag(tag)
    elseif name == state and not tag then
      image:attach_tag(self.dt.tags.create(TAGS .. name))
    end
  end
end

--- Every file that stands for an image: its own, if it can be animated, and its renditions.
function Photos:files_of(image)
  local own = self:path(image)
  local found = {}
  if ANIMATABLE[suffix_of(own)] and image.duplicate_index == 0 then
    found[1] = own
  end
  for rendition, of in pairs(self.renditions) do
    if of.photo == own and of.duplicate == image.duplicate_index then
      found[#found + 1] = rendition
    end
  end
  return found
end

--- The image that a poster belongs to; any other image is its own.
function Photos.original(image)
  if not has_tag(image, "poster") then
    return image
  end
  for _, member in ipairs(image:get_group_members()) do
    if not has_tag(member, "poster") then
      return member
    end
  end
  return image
end

--- Where a rendition of an image goes: over an earlier one of the same image, else under a free name.
function Photos:rendition_name(image, folder, suffix)
  local own = self:path(image)
  for rendition, of in pairs(self.renditions) do
    local name = rendition:match("[^/\\]+$")
    if of.photo == own and of.duplicate == image.duplicate_index and rendition == self.files.join(folder, name) then
      local _, had = self.files.split(name)
      if had == suffix then
        return rendition
      end
    end
  end
  local stem = self.files.split(image.filename)
  if image.duplicate_index > 0 then
    stem = stem .. "-version" .. image.duplicate_index
  end
  local path, count = self.files.join(folder, stem .. suffix), 1
  while self.renditions[path] or self.files.exists(path) do
    count = count + 1
    path = self.files.join(folder, stem .. "-" .. count .. suffix)
  end
  return path
end

--- Put a picture of an image into a folder, whole or not at all, and remember whose it is.
-- @param make writes the picture to the path that it is given; returns true, or nil and why not
-- @return its path; or nil and why not
function Photos:add_rendition(image, folder, suffix, make)
  local target = self:rendition_name(image, folder, suffix)
  local hidden = self.files.join(folder, "." .. target:match("[^/\\]+$"))
  os.remove(hidden) -- of a try that darktable did not survive
  local made, why = make(hidden)
  if made then
    made, why = self.files.move(hidden, target)
  end
  if not made then
    os.remove(hidden)
    return nil, why
  end
  self.renditions[target] = { photo = self:path(image), duplicate = image.duplicate_index }
  self.files.write(self.records, self.json.encode(self.renditions))
  return target
end

--- Develop an image into a JPEG in a folder.
-- @return its path; or nil and the problem
function Photos:render(image, folder)
  local format = self.dt.new_format("jpeg")
  format.quality, format.max_width, format.max_height = QUALITY, LONGEST, LONGEST
  local path, why = self:add_rendition(image, folder, ".jpg", function(hidden)
    format:write_image(image, hidden, false) -- its answer says nothing: darktable 4.2 gives false on success
    return self.files.exists(hidden), "darktable could not export it"
  end)
  return path,
    path and nil or {
      code = "not_exported",
      message = ("%s cannot be exported to %s (%s)."):format(image.filename, folder, why),
      hint = "Check that folder, or choose another in the preferences (Lua options).",
    }
end

--- Import a clip's poster and group it with its photo.
-- @return whether it was imported; if not, the problem
function Photos:import_poster(image, clip_id)
  local answer, problem = self.daemon:ask("/api/clips/" .. clip_id .. "/poster", {})
  if not answer then
    return false, problem
  end
  local path = self.daemon:here(answer.path)
  if not (self.windows or self.files.exists(path)) then -- importing a missing file would end darktable
    return false, { code = "no_poster", message = path .. " does not exist.", hint = "Check the path mapping." }
  end
  local poster = self.dt.database.import(path)
  poster:drop_cache() -- it may be another picture than the last time
  if not has_tag(poster, "poster") then
    poster:attach_tag(self.dt.tags.create(TAGS .. "poster"))
  end
  if poster.group_leader.id ~= image.group_leader.id then
    poster:group_with(image)
  end
  return true
end

return Photos

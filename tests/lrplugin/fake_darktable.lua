-- darktable's Lua API as far as the plugin uses it, without its window. What the plugin may not use is not here:
-- every unknown name is an error. Images, tags and groups are plain tables.
local fake = {
  printed = {},
  errors = {},
  jobs = {},
  imported = {},
  events = {},
  storages = {},
  actions = {},
  libs = {},
  preferences_kept = {},
  selected = {},
  images = {},
  commands = {},
  ending = false,
}

local function strict(name, fields)
  return setmetatable(fields, {
    __index = function(_, key)
      error(name .. " has no " .. tostring(key), 2)
    end,
    __newindex = function(_, key)
      error(name .. " has no " .. tostring(key), 2)
    end,
  })
end

local next_id = 0

local Image = {}
Image.__index = function(_, key)
  return Image[key] or error("an image has no " .. tostring(key), 2)
end

function fake.image(folder, filename, fields)
  next_id = next_id + 1
  local image = { path = folder, filename = filename, id = next_id, is_altered = false, duplicate_index = 0, tags = {} }
  for key, value in pairs(fields or {}) do
    image[key] = value
  end
  image.group_leader = image
  fake.images[#fake.images + 1] = setmetatable(image, Image)
  return image
end

function Image:get_tags()
  local tags = { { name = "darktable|format|jpg" } }
  for name in pairs(self.tags) do
    tags[#tags + 1] = { name = name }
  end
  return tags
end

function Image:attach_tag(tag)
  if rawget(self, "gone") then
    error "this image was removed"
  end
  self.tags[tag.name] = true
end

function Image:detach_tag(tag)
  self.tags[tag.name] = nil
end

function Image.drop_cache() end

function Image:group_with(other)
  self.group_leader = other.group_leader
end

function Image:get_group_members()
  local members = {}
  for _, image in ipairs(fake.images) do
    members[#members + 1] = image.group_leader == self.group_leader and image or nil
  end
  return members
end

local function keep(list)
  return function(text)
    list[#list + 1] = text
  end
end

local function import(path)
  assert(io.open(path, "rb"), "darktable would end here: no file " .. path):close()
  fake.imported[#fake.imported + 1] = path
  local folder, name = path:match("^(.*)/([^/]+)$")
  for _, image in ipairs(fake.images) do
    if image.path == folder and image.filename == name then
      return image
    end
  end
  return fake.image(folder, name)
end

local function widget(kind)
  return function(fields)
    fields.kind = kind
    return fields
  end
end

local format = { extension = "jpg", quality = 0, max_width = 0, max_height = 0 }
function format.write_image(_, image, path)
  local file = not rawget(fake, "cannot_export") and io.open(path, "wb")
  if file then
    file:write("rendition of " .. image.filename)
    file:close()
  end
  return false
end

fake.dt = strict("darktable", {
  print = keep(fake.printed),
  print_log = function() end,
  print_error = keep(fake.errors),
  collection = fake.images,
  configuration = strict("configuration", {
    running_os = SYSTEM,
    config_dir = CONFIG_DIR,
    version = "darktable 4.2.1",
    api_version_major = API_MAJOR,
    has_gui = true,
  }),
  control = setmetatable({}, {
    __index = function(_, key)
      return ({
        ending = fake.ending,
        sleep = function(ms)
          if fake.on_sleep then
            fake.on_sleep(ms)
          end
          PAUSE()
        end,
        dispatch = function(job)
          job()
        end,
        execute = function(command)
          fake.commands[#fake.commands + 1] = command
          if SYSTEM == "windows" then
            return 7 -- curl: could not connect
          end
          local _, _, status = os.execute(command)
          return status < 256 and status * 256 or status -- the raw wait status, as darktable 4.2 gives it
        end,
      })[key]
    end,
  }),
  database = strict("database", { import = import }),
  tags = strict("tags", {
    create = function(name)
      return { name = name }
    end,
  }),
  preferences = strict("preferences", {
    register = function(_, name, _, _, _, default)
      fake.preferences_kept[name] = fake.preferences_kept[name] or default
    end,
    read = function(_, name)
      return fake.preferences_kept[name] or ""
    end,
    write = function(_, name, _, value)
      fake.preferences_kept[name] = value
    end,
  }),
  new_widget = widget,
  new_format = function()
    return format
  end,
  register_storage = function(name, ...)
    fake.storages[name] = { ... }
  end,
  destroy_storage = function(name)
    fake.storages[name] = nil
  end,
  register_event = function(name, event, callback)
    fake.events[name .. " " .. event] = callback
  end,
  destroy_event = function(name, event)
    fake.events[name .. " " .. event] = nil
  end,
  register_lib = function(name)
    fake.libs[name] = { visible = true }
  end,
  gui = setmetatable({}, {
    __index = function(_, key)
      local fields = {
        action_images = fake.selected,
        current_view = function()
          return { id = fake.view or "lighttable" }
        end,
        views = { lighttable = "lighttable" },
        create_job = function(name, _, cancel)
          local job = { name = name, valid = true, cancel = cancel }
          fake.jobs[#fake.jobs + 1] = job
          return job
        end,
        libs = setmetatable({
          image = {
            register_action = function(name, _, callback)
              fake.actions[name] = callback
            end,
            destroy_action = function(name)
              fake.actions[name] = nil
            end,
          },
        }, { __index = fake.libs }),
      }
      return fields[key] or error("darktable.gui has no " .. tostring(key), 2)
    end,
  }),
})

return fake

--- The export storage “Afterframe: export and animate”, and the folder that exported pictures go to.
local Storage = {}
Storage.__index = Storage

local TAKEN = { jpg = true, tif = true, png = true, webp = true, avif = true }
local NO_FOLDER = {
  code = "no_folder",
  message = "There is no folder for exported photos.",
  hint = "Choose one in the export module's storage options, or have Afterframe watch one.",
}

--- @param parts.dt, parts.daemon, parts.photos, parts.files as in the modules of these names
-- @param parts.setting, parts.set read and write a preference
-- @param parts.animate is given what was exported: a list of {image, path}
-- @param parts.tell shows one line to the photographer
function Storage.new(parts)
  return setmetatable(parts, Storage)
end

--- The folder for exported pictures: the photographer's, else the first that the daemon watches.
-- @return its path; or nil and the problem
function Storage:folder()
  local chosen = self.setting "export_folder"
  if chosen ~= "" then
    return chosen
  end
  local answer, problem = self.daemon:ask "/api/folders"
  for _, folder in ipairs(answer and answer.folders or {}) do
    if folder.watch then
      return self.daemon:here(folder.path)
    end
  end
  return nil, problem or NO_FOLDER
end

function Storage:register()
  local chooser = self.dt.new_widget "file_chooser_button" {
    title = "Folder for exported photos",
    tooltip = "photos are exported to this folder and animated there;\n"
      .. "empty: the first folder that Afterframe watches",
    is_directory = true,
    changed_callback = function(widget)
      self.set("export_folder", widget.value or "")
    end,
  }
  if self.setting "export_folder" ~= "" then
    chooser.value = self.setting "export_folder"
  end
  self.dt.register_storage(
    "afterframe",
    "Afterframe: export and animate",
    function(_, image, format, file, _, _, _, extra)
      self:store(image, format, file, extra)
    end,
    function(_, _, extra)
      self:finish(extra)
    end,
    function(_, format)
      return TAKEN[format.extension] or false
    end,
    function(_, _, images, _, extra)
      return self:begin(images, extra)
    end,
    self.dt.new_widget "box" { orientation = "vertical", self.dt.new_widget "label" { label = "folder" }, chooser }
  )
end

--- Find the folder before anything is exported.
-- @return nil: go on; an empty list: export nothing
function Storage:begin(_, extra)
  local folder, problem = self:folder()
  extra.folder, extra.items, extra.failed = folder, {}, {}
  if not folder then
    self.tell(problem.message .. " " .. problem.hint)
    return {}
  end
  return nil
end

--- Move one exported picture from darktable's temporary file into the folder.
function Storage:store(image, format, file, extra)
  local suffix = "." .. format.extension
  local path, why = self.photos:add_rendition(image, extra.folder, suffix, function(hidden)
    return self.files.copy(file, hidden)
  end)
  os.remove(file)
  if path then
    extra.items[#extra.items + 1] = { image = image, path = path }
  else
    extra.failed[#extra.failed + 1] = image.filename .. " (" .. tostring(why) .. ")"
  end
end

function Storage:finish(extra)
  if extra.failed[1] then
    self.tell("Not exported to " .. extra.folder .. ": " .. table.concat(extra.failed, ", "))
  end
  if extra.items[1] then
    self.animate(extra.items)
  end
end

return Storage

--- What the panel's buttons and the shortcuts do with the selected photos.
local Actions = {}
Actions.__index = Actions

Actions.SHORTCUTS = {
  animate = "animate",
  refresh = "refresh",
  open = "open clip",
  approve = "approve clip",
  reject = "reject clip",
}

--- @param parts.dt darktable
-- @param parts.daemon, parts.files, parts.log, parts.photos, parts.problems, parts.renders, parts.status, parts.storage
-- as in the modules of these names
-- @param parts.tell shows one line to the photographer
-- @param parts.show shows the status of the selection
-- @param parts.overrides gives the recipe's settings that were chosen in the panel
-- @param parts.windows whether this is Windows
function Actions.new(parts)
  return setmetatable(parts, Actions)
end

--- The images to work on, as darktable says: the one under the pointer, or the selected ones.
function Actions:selected()
  return self:_originals(self.dt.gui.action_images)
end

--- Images with each poster's photo in its place, and none twice.
function Actions:_originals(images)
  local found, seen = {}, {}
  for index = 1, #images do
    local image = self.photos.original(images[index])
    if not seen[image.id] then
      seen[image.id] = true
      found[#found + 1] = image
    end
  end
  return found
end

--- The files to animate {image, path}, and problems; raw and developed photos are exported first.
function Actions:_files(images)
  local items, problems = {}, {}
  local folder, no_folder
  for _, image in ipairs(images) do
    local path, problem = nil, nil
    if self.photos.is_plain(image) then
      path = self.photos:path(image)
    else
      if not folder and not no_folder then
        folder, no_folder = self.storage:folder()
      end
      problem = no_folder
      if folder then
        path, problem = self.photos:render(image, folder)
      end
    end
    items[#items + 1] = path and { image = image, path = path }
    problems[#problems + 1] = problem
  end
  return items, problems
end

function Actions:_tell(problems)
  if problems[1] then
    self.tell(self.problems.summary(problems))
  end
end

function Actions:animate()
  local images = self:selected()
  if not images[1] then
    self.tell "Select photos first."
    return
  end
  local overrides = self.overrides()
  local items, problems = self:_files(images)
  self:_tell(problems)
  if items[1] then
    self.renders:run(items, overrides)
  end
end

--- Ask for the status of the selected photos, or of all shown, and import posters that are missing.
function Actions:refresh()
  local images = self:selected()
  if not images[1] then
    images = self:_originals(self.dt.collection)
  end
  local found, problem = self.status:of(images)
  if not found then
    self:_tell { problem }
    return
  end
  local problems = {}
  for _, entry in ipairs(found) do
    self.photos:tag(entry.image, self.status.tag(entry))
    for _, clip in ipairs(entry.clips) do
      local imported, why = self.photos:import_poster(entry.image, clip.id)
      problems[#problems + 1] = not imported and why or nil
    end
  end
  self:_tell(problems)
  self.show()
end

--- The status of those selected photos that have clips.
function Actions:_with_clips()
  local found, problem = self.status:of(self:selected())
  if not found then
    self:_tell { problem }
    return {}
  end
  local entries = {}
  for _, entry in ipairs(found) do
    entries[#entries + 1] = entry.newest and entry
  end
  if not entries[1] then
    self.tell "The selected photos have no clips yet."
  end
  return entries
end

function Actions:_judge(verdict)
  local entries, questions, problems = self:_with_clips(), {}, {}
  for index, entry in ipairs(entries) do
    questions[index] = { route = "/api/clips/" .. entry.newest.id .. "/verdict", body = { verdict = verdict } }
  end
  local answers, problem = {}, nil
  if questions[1] then
    answers, problem = self.daemon:ask_all(questions)
  end
  problems[1] = problem
  for index, got in ipairs(answers or {}) do
    if got.answer then
      self.photos:tag(entries[index].image, verdict)
    else
      problems[#problems + 1] = got.problem
    end
  end
  self:_tell(problems)
  self.show()
end

function Actions:approve()
  self:_judge "approved"
end

function Actions:reject()
  self:_judge "rejected"
end

--- Open a file or an address with the program that the system has for it.
function Actions:_open(what)
  if self.windows then
    -- A batch file, because the command line cannot carry every path.
    local script = os.getenv "TEMP" .. "\\afterframe-open.bat"
    self.files.write(script, '@chcp 65001 >nul\r\n@start "" "' .. what:gsub("%%", "%%%%") .. '"\r\n')
    self.dt.control.execute 'cmd /c "%TEMP%\\afterframe-open.bat"'
    return
  end
  local program = self.dt.configuration.running_os == "macos" and "open" or "xdg-open"
  self.dt.control.execute(program .. " '" .. what:gsub("'", "'\\''") .. "' >/dev/null 2>&1 &")
end

function Actions:open()
  local entries = self:_with_clips()
  if entries[1] then
    self:_open(self.daemon:here(entries[1].newest.path))
  end
end

--- Open the plugin's log, to be sent with a report.
function Actions:show_log()
  self:_open(self.log.path)
end

function Actions:review()
  -- On this machine a private file leads to the link: the browser's arguments are every user's to read.
  local here = self.daemon:is_here()
  local answer, problem = self.daemon:ask("/api/login-code", { file = here })
  if answer then
    local file = answer.file or ""
    self:_open(file ~= "" and file or self.daemon:locate().url .. answer.path)
  else
    self:_tell { problem }
  end
end

return Actions

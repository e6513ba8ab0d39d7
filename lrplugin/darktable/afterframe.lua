--- Afterframe for darktable: brings photos to life as short clips, made by Afterframe's daemon.
-- darktable shows and asks, the daemon decides. Needs darktable 4.2 (Lua API 9.0) or newer, and curl.
local dt = require "darktable"

local function module(name)
  local here = debug.getinfo(1, "S").source:match("^@(.*[/\\])") or ""
  return dofile(here .. name .. ".lua")
end

local files, json = module "files", module "json"
local Daemon, Photos, Renders = module "daemon", module "photos", module "renders"
local Exports, Panel, Standings = module "exports", module "panel", module "standings"

local NAME = "afterframe"
local STARTED = "afterframe for darktable"
local WINDOWS = dt.configuration.running_os == "windows"
local CONFIG = files.join(dt.configuration.config_dir, NAME)
local WINDOW_MS = 1500 -- darktable's window runs by then
local LATER_MS = 300 -- a selection that still changes is not asked about

-- Preferences -----------------------------------------------------------------------------------------------------

local PREFERENCES = {
  { "address", "address of the daemon", "only for a daemon on another computer, such as http://studio:8723" },
  { "token", "token of that daemon", "the file “token” in its folder holds it" },
  { "folders", "folders there", "how that computer names this one's folders: /mnt/nas=/volume1; /home/ann=/data/ann" },
  { "export_folder", "folder for exported photos", "empty: the first folder that Afterframe watches" },
}

local function setting(name)
  return dt.preferences.read(NAME, name, "string") or ""
end

local function set(name, value)
  dt.preferences.write(NAME, name, "string", value)
end

--- Where Afterframe's own folder may be: as “afterframe plugin install” noted, as named, or the system's usual place.
local function homes()
  local noted = files.read(files.join(CONFIG, "home"))
  local home = os.getenv "HOME" or ""
  local found = {}
  found[#found + 1] = noted and noted:match("^[^\r\n]+")
  found[#found + 1] = os.getenv "AFTERFRAME_HOME"
  if WINDOWS then
    found[#found + 1] = (os.getenv "LOCALAPPDATA" or "") .. "\\afterframe"
  elseif dt.configuration.running_os == "macos" then
    found[#found + 1] = home .. "/Library/Application Support/afterframe"
  else
    found[#found + 1] = (os.getenv "XDG_DATA_HOME" or home .. "/.local/share") .. "/afterframe"
    found[#found + 1] = home .. "/.local/share/afterframe"
  end
  return found
end

-- Parts -----------------------------------------------------------------------------------------------------------

local daemon = Daemon.new {
  execute = dt.control.execute,
  homes = homes,
  setting = setting,
  json = json,
  files = files,
  windows = WINDOWS,
}
local photos = Photos.new {
  dt = dt,
  files = files,
  json = json,
  daemon = daemon,
  windows = WINDOWS,
  records = files.join(CONFIG, "renditions.json"),
}
local standings = Standings.new { daemon = daemon, photos = photos }
local panel, renders, exports
local actions = {}

local function tell(text)
  dt.print_log("afterframe: " .. text)
  dt.print("Afterframe: " .. text)
end

local function tell_problem(problem)
  tell(Renders.summary { problem })
end

-- What is asked about photos --------------------------------------------------------------------------------------

--- Images without posters: each poster's photo in its place, and none twice.
local function originals(images)
  local found, seen = {}, {}
  for index = 1, #images do
    local image = photos.original(images[index])
    if not seen[image.id] then
      seen[image.id] = true
      found[#found + 1] = image
    end
  end
  return found
end

--- The images to work on, as darktable says: the one under the pointer, or the selected ones.
local function selected()
  return originals(dt.gui.action_images)
end

local function show_selection()
  if not panel then
    return
  end
  local images = selected()
  if not images[1] then
    local health, problem = daemon:ask "/api/health"
    local depth = health and health.queue_depth
    local said = depth and depth > 0 and depth .. " clips wait or run." or "No photo is selected."
    panel:show(health and said or problem.message .. "\n" .. problem.hint)
    return
  end
  local found, problem = standings:of(images)
  panel:show(found and Standings.overview(found) or problem.message .. "\n" .. problem.hint)
end

--- Show a text, or how the selection stands.
local function show(text)
  if panel and text then
    panel:show(text)
  else
    show_selection()
  end
end

local asked_at = 0

--- Show how the selection stands, once it has come to rest.
local function selection_changed()
  asked_at = asked_at + 1
  local mine = asked_at
  dt.control.sleep(LATER_MS)
  if mine == asked_at and not dt.control.ending then
    show_selection()
  end
end

-- Actions ---------------------------------------------------------------------------------------------------------

--- The files to animate; raw and developed photos are exported first.
local function hand_over(images)
  local items, problems = {}, {}
  local folder, problem
  for _, image in ipairs(images) do
    if photos.is_plain(image) then
      items[#items + 1] = { image = image, path = photos:path(image) }
    else
      if not folder and not problem then
        folder, problem = exports:folder()
      end
      local path, why = nil, problem
      if folder then
        path, why = photos:render(image, folder)
      end
      items[#items + 1] = path and { image = image, path = path }
      problems[#problems + 1] = not path and why or nil
    end
  end
  return items, problems
end

function actions.animate()
  local images = selected()
  if not images[1] then
    tell "Select photos first."
    return
  end
  local overrides = panel and panel:overrides() or {}
  local items, problems = hand_over(images)
  if problems[1] then
    tell(Renders.summary(problems))
  end
  if items[1] then
    renders:run(items, overrides)
  end
end

function actions.refresh()
  local images = selected()
  if not images[1] then
    images = originals(dt.collection)
  end
  local found, problem = standings:of(images)
  if not found then
    tell_problem(problem)
    return
  end
  local problems = {}
  for _, entry in ipairs(found) do
    photos:mark(entry.image, Standings.mark(entry))
    for _, clip in ipairs(entry.clips) do
      local landed, why = photos:land(entry.image, clip.id)
      problems[#problems + 1] = not landed and why or nil
    end
  end
  if problems[1] then
    tell(Renders.summary(problems))
  end
  show_selection()
end

--- The selected photos that have clips.
local function with_clips()
  local found, problem = standings:of(selected())
  if not found then
    tell_problem(problem)
    return {}
  end
  local having = {}
  for _, entry in ipairs(found) do
    having[#having + 1] = entry.newest and entry
  end
  if not having[1] then
    tell "The selected photos have no clips yet."
  end
  return having
end

local function judge(verdict)
  local having, questions, problems = with_clips(), {}, {}
  for index, entry in ipairs(having) do
    questions[index] = { route = "/api/clips/" .. entry.newest.id .. "/verdict", body = { verdict = verdict } }
  end
  local answers, problem = {}, nil
  if questions[1] then
    answers, problem = daemon:ask_all(questions)
  end
  problems[1] = problem
  for index, got in ipairs(answers or {}) do
    if got.answer then
      photos:mark(having[index].image, verdict)
    else
      problems[#problems + 1] = got.problem
    end
  end
  if problems[1] then
    tell(Renders.summary(problems))
  end
  show_selection()
end

function actions.approve()
  judge "approved"
end

function actions.reject()
  judge "rejected"
end

--- Open a file or an address with the program that the system has for it.
local function open(what)
  if WINDOWS then
    -- A batch file, because the command line cannot carry every path.
    local script = os.getenv "TEMP" .. "\\afterframe-open.bat"
    files.write(script, '@chcp 65001 >nul\r\n@start "" "' .. what:gsub("%%", "%%%%") .. '"\r\n')
    dt.control.execute 'cmd /c "%TEMP%\\afterframe-open.bat"'
    return
  end
  local program = dt.configuration.running_os == "macos" and "open" or "xdg-open"
  dt.control.execute(program .. " '" .. what:gsub("'", "'\\''") .. "' >/dev/null 2>&1 &")
end

function actions.open()
  local having = with_clips()
  if having[1] then
    open(daemon:here(having[1].newest.path))
  end
end

function actions.review()
  local answer, problem = daemon:ask("/api/login-code", {})
  if not answer then
    tell_problem(problem)
    return
  end
  local place = daemon:locate()
  open(place.url .. answer.path)
end

-- Into darktable --------------------------------------------------------------------------------------------------

local SHORTCUTS = {
  animate = "animate",
  refresh = "refresh",
  open = "open clip",
  approve = "approve clip",
  reject = "reject clip",
}

local function add_panel()
  if panel then
    return
  end
  panel = Panel.new { dt = dt, actions = actions, setting = setting, set = set }
  dt.register_lib(
    NAME,
    "afterframe",
    true,
    false,
    { [dt.gui.views.lighttable] = { "DT_UI_CONTAINER_PANEL_RIGHT_CENTER", 450 } },
    panel.widget
  )
  dt.control.dispatch(show_selection)
end

--- Newer darktables say when their window stands (darktable#19197).
local function window_stands()
  local view = dt.gui.current_view()
  return rawget(_G, "darktable_gui_safe") ~= false and view and view.id == "lighttable"
end

local function start()
  for _, preference in ipairs(PREFERENCES) do
    dt.preferences.register(NAME, preference[1], "string", "Afterframe: " .. preference[2], preference[3], "")
  end
  renders = Renders.new { dt = dt, daemon = daemon, photos = photos, tell = tell, changed = show }
  exports = Exports.new {
    dt = dt,
    daemon = daemon,
    photos = photos,
    files = files,
    setting = setting,
    set = set,
    tell = tell,
    animate = function(items)
      dt.control.dispatch(function()
        renders:run(items, {})
      end)
    end,
  }
  exports:register()
  dt.gui.libs.image.register_action(NAME, "animate", actions.animate, "make a clip of each photo (Afterframe)")
  for name, label in pairs(SHORTCUTS) do
    dt.register_event(NAME .. "_" .. name, "shortcut", actions[name], "Afterframe: " .. label)
  end
  dt.register_event(NAME, "selection-changed", selection_changed)
  if window_stands() then
    add_panel()
  else
    dt.register_event(NAME, "view-changed", function(_, _, view)
      if view.id == "lighttable" then
        add_panel()
      end
    end)
  end
end

local function stop()
  dt.gui.libs.image.destroy_action(NAME)
  dt.destroy_storage(NAME)
  for name in pairs(SHORTCUTS) do
    dt.destroy_event(NAME .. "_" .. name, "shortcut")
  end
  dt.destroy_event(NAME, "selection-changed")
  if panel then
    dt.gui.libs[NAME].visible = false -- darktable cannot take a panel out again
  end
end

-- For darktable's script manager.
local script_data = {
  metadata = {
    name = "Afterframe",
    purpose = "bring photos to life as short clips",
    author = "the Afterframe project",
  },
  destroy = stop,
  destroy_method = "hide",
  restart = start,
  show = function()
    dt.gui.libs[NAME].visible = true
  end,
}

if not dt.configuration.has_gui or dt.configuration.api_version_major < 9 then
  dt.print_error "afterframe: darktable 4.2 or newer is needed, with its window"
elseif not package.loaded[STARTED] then
  package.loaded[STARTED] = script_data
  -- A widget that is made before darktable's window runs can dead-lock darktable at its start (darktable#22357).
  dt.control.dispatch(function()
    dt.control.sleep(WINDOW_MS)
    if not dt.control.ending then
      start()
    end
  end)
end

return package.loaded[STARTED] or script_data -- loaded by luarc and by the script manager: once is enough

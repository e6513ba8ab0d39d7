-- Reaching the daemon, and starting it where it is installed on this machine.

local LrDialogs = import "LrDialogs"
local LrPathUtils = import "LrPathUtils"
local LrTasks = import "LrTasks"

local Api = require "Api"
local Paths = require "Paths"
local Settings = require "Settings"

local Daemon = {}

local PAUSE_S, TRIES = 1, 30

-- A path in a line for Windows' shell, which mangles what is not ASCII but fills in the user's folder rightly itself.
local function forWindows(word)
  local user = LrPathUtils.getStandardFilePath "home"
  if not Paths.isAscii(word) and Paths.isBelow(word, user) then
    word = "%USERPROFILE%" .. string.sub(word, #user + 1)
  end
  return (string.gsub(word, '"', ""))
end

local function quoted(word)
  if WIN_ENV then
    return '"' .. forWindows(word) .. '"'
  end
  return "'" .. string.gsub(word, "'", "'\\''") .. "'"
end

local function lineFor(program)
  local words = {}
  for _, word in ipairs(program) do
    words[#words + 1] = quoted(word)
  end
  words[#words + 1] = "serve --no-open"
  local line, home = table.concat(words, " "), Settings.home()
  if not WIN_ENV then
    return "AFTERFRAME_HOME=" .. quoted(home) .. " " .. line .. " >/dev/null 2>&1 &"
  end
  -- A mangled name would make a second home, with a token of its own.
  local set = home ~= Settings.usualHome() and 'set "AFTERFRAME_HOME=' .. forWindows(home) .. '" && ' or ""
  return set .. 'start "Afterframe" /MIN ' .. line
end

-- The shell's line that starts it and returns at once; nil when it never ran on this machine, or when the shell would
-- mangle the line.
function Daemon.commandLine()
  local program = Settings.program()
  local line = program and lineFor(program)
  return line and (not WIN_ENV or Paths.isAscii(line)) and line or nil
end

-- Why there is no such line.
local function cannotStart()
  local program = Settings.program()
  if not program then
    return {
      code = "not_installed",
      message = LOC "$$$/Afterframe/Problem/NotInstalled=Afterframe has never run on this computer.",
      hint = LOC "$$$/Afterframe/Problem/NotInstalledHint=Start it once yourself; then Lightroom can start it.",
    }
  end
  return {
    code = "not_ascii",
    message = LOC("$$$/Afterframe/Problem/NotAscii=Lightroom cannot start Afterframe from its folder: ^1", program[1]),
    hint = LOC "$$$/Afterframe/Problem/NotAsciiHint=Its path is not plain ASCII. Start it yourself.",
  }
end

-- Start it and wait until it answers: its state, or nil and a problem.
function Daemon.start()
  local line = Daemon.commandLine()
  if not line then
    return nil, cannotStart()
  end
  LrTasks.execute(line)
  local state, problem
  for _ = 1, TRIES do
    state, problem = Api.connect():check()
    if state or problem.code == "token" then
      break
    end
    LrTasks.sleep(PAUSE_S)
  end
  return state, problem
end

function Daemon.explain(problem)
  LrDialogs.message(problem.message, problem.hint, "critical")
end

-- Its state { health, folders }; when it does not run, the user may start it. nil: the user knows why.
function Daemon.reach(api)
  local state, problem = api:check()
  if not state and problem.code == "down" and api:isHere() and Daemon.commandLine() then
    local answer = LrDialogs.confirm(
      LOC "$$$/Afterframe/Start/Ask=Afterframe is not running.",
      LOC "$$$/Afterframe/Start/Info=Start it now?",
      LOC "$$$/Afterframe/Start/Start=Start Afterframe"
    )
    if answer ~= "ok" then
      return nil
    end
    state, problem = Daemon.start()
    api:refresh()
  end
  if not state then
    Daemon.explain(problem)
  end
  return state
end

return Daemon

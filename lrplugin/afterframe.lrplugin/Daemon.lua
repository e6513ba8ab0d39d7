-- Reaching the daemon, and starting it where it is installed on this machine.

local LrDialogs = import "LrDialogs"
local LrTasks = import "LrTasks"

local Api = require "Api"
local Settings = require "Settings"

local Daemon = {}

local PAUSE_S, TRIES = 1, 30

local function quoted(word)
  if WIN_ENV then
    return '"' .. string.gsub(word, '"', "") .. '"'
  end
  return "'" .. string.gsub(word, "'", "'\\''") .. "'"
end

-- The shell's line that starts it and returns at once; nil when it never ran on this machine.
function Daemon.commandLine()
  local program = Settings.program()
  if not program then
    return nil
  end
  local words = {}
  for _, word in ipairs(program) do
    words[#words + 1] = quoted(word)
  end
  words[#words + 1] = "serve --no-open"
  local line = table.concat(words, " ")
  if WIN_ENV then
    return 'set "AFTERFRAME_HOME=' .. Settings.home() .. '" && start "Afterframe" /MIN ' .. line
  end
  return "AFTERFRAME_HOME=" .. quoted(Settings.home()) .. " " .. line .. " >/dev/null 2>&1 &"
end

-- Start it and wait until it answers: its state, or nil and a problem.
function Daemon.start()
  local line = Daemon.commandLine()
  if not line then
    return nil,
      {
        code = "not_installed",
        message = LOC "$$$/Afterframe/Problem/NotInstalled=Afterframe has never run on this computer.",
        hint = LOC "$$$/Afterframe/Problem/NotInstalledHint=Start it once yourself; then Lightroom can start it.",
      }
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

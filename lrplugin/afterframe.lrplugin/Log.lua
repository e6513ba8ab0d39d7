-- The plug-in's log, to be sent with a report: Afterframe.log where Lightroom keeps the logs of plug-ins.
-- It says what was asked (route, status, duration) and which errors came (code). It never contains the token, a
-- photo's name or what a photo says.

local LrApplication = import "LrApplication"
local LrFileUtils = import "LrFileUtils"
local LrLogger = import "LrLogger"
local LrPathUtils = import "LrPathUtils"
local LrShell = import "LrShell"

local Info = require "Info"
local Paths = require "Paths"

local Log = {}

local NAME = "Afterframe"
local POLLED = { ["/api/events"] = true } -- asked once a second: logged only when it fails

local logger = LrLogger(NAME)
logger:enable "logfile"
logger:info(
  string.format(
    "Afterframe plug-in %d.%d.%d, Lightroom Classic %s, %s",
    Info.VERSION.major,
    Info.VERSION.minor,
    Info.VERSION.revision,
    LrApplication.versionString(),
    WIN_ENV and "Windows" or "macOS"
  )
)

-- request: { method, path, status, code, seconds }; no status: nothing answered; code: of the problem, if any.
function Log.request(request)
  local route = string.match(request.path, "^[^?]*")
  local parts = { request.method, route, tostring(request.status or "no answer"), request.code }
  if request.code then
    logger:warn(string.format("%s, %.2f s", table.concat(parts, " "), request.seconds))
  elseif not POLLED[route] then
    logger:info(string.format("%s, %.2f s", table.concat(parts, " "), request.seconds))
  end
end

-- What became of photos: a reason or an error's code, and how many.
function Log.result(what, count, isProblem)
  local line = string.format("%s: %d", what, count)
  if isProblem then
    logger:warn(line)
  else
    logger:info(line)
  end
end

-- An error inside the plug-in: the place and the first line of it.
function Log.failure(name, message)
  logger:error(name .. ": " .. string.match(tostring(message), "^[^\r\n]*"))
end

local function inFolder(base, names)
  local path = LrPathUtils.getStandardFilePath(base)
  for _, name in ipairs(names) do
    path = Paths.child(path, name)
  end
  return Paths.child(Paths.child(path, "LrClassicLogs"), NAME .. ".log")
end

-- Where the log is. The SDK does not say: Lightroom Classic 14 moved it out of the user's documents.
function Log.path()
  local ofSystem = WIN_ENV and { "AppData", "Local", "Adobe", "Lightroom", "Logs" }
    or { "Library", "Logs", "Adobe", "Lightroom" }
  local paths = { inFolder("home", ofSystem), inFolder("documents", {}) }
  for _, path in ipairs(paths) do
    if LrFileUtils.exists(path) == "file" then
      return path
    end
  end
  return LrApplication.versionTable().major >= 14 and paths[1] or paths[2]
end

-- Show the log in the Finder or the Explorer.
function Log.reveal()
  LrShell.revealInShell(Log.path())
end

return Log

-- What the user set in the Plug-in Manager, and where the daemon and its token are found without any setting.

local LrFileUtils = import "LrFileUtils"
local LrPasswords = import "LrPasswords"
local LrPathUtils = import "LrPathUtils"
local LrPrefs = import "LrPrefs"

local json = require "json"
local Paths = require "Paths"

local Settings = {}

Settings.DEFAULT_ADDRESS = "http://127.0.0.1:8723"
local TOKEN = "token "
-- "AUTO" stands for what the daemon would choose.
Settings.AUTO = "auto"
local DEFAULTS = {
  address = "",
  home = "",
  mappings = "",
  uploadFolder = "",
  prompt = "",
  motionOn = false,
  motion = 0.5,
  durationOn = false,
  duration = 4,
  camera = Settings.AUTO,
  quality = Settings.AUTO,
  variants = 1,
  generator = Settings.AUTO,
  importWhenDone = true,
}

function Settings.prefs()
  local prefs = LrPrefs.prefsForPlugin()
  for name, value in pairs(DEFAULTS) do
    if prefs[name] == nil then
      prefs[name] = value
    end
  end
  return prefs
end

local function readFile(path)
  return LrFileUtils.exists(path) == "file" and LrFileUtils.readFile(path) or nil
end

-- The folder that a daemon takes when nobody names another.
function Settings.usualHome()
  local folder = LrPathUtils.getStandardFilePath("home")
  local below = WIN_ENV and { "AppData", "Local", "afterframe" } or { "Library", "Application Support", "afterframe" }
  for _, name in ipairs(below) do
    folder = Paths.child(folder, name)
  end
  return folder
end

-- The folder that the daemon calls AFTERFRAME_HOME: as set, as `afterframe plugin install` noted it, or the usual one.
function Settings.home()
  local set = Settings.prefs().home
  local noted = string.match(readFile(Paths.child(_PLUGIN.path, "home")) or "", "^%s*(.-)%s*$")
  if set ~= "" or noted ~= "" then
    return set ~= "" and set or noted
  end
  return Settings.usualHome()
end

local function readHome(name)
  return readFile(Paths.child(Settings.home(), name))
end

-- A JSON file of the daemon's home; nil when it is not there or is not JSON.
function Settings.readHomeJson(name)
  local text = readHome(name)
  local value = text and json.decode(text)
  return type(value) == "table" and value or nil
end

local function bare(address)
  local text = string.match(address, "^%s*(.-)[/%s]*$")
  return string.find(text, "^https?://") and text or "http://" .. text
end

-- Whether an address is this very machine.
function Settings.isThisMachine(address)
  local host = string.match(address, "^https?://%[?([^%]/]-)%]?:?%d*$") or ""
  return host == "localhost" or host == "::1" or string.find(host, "^127%.%d+%.%d+%.%d+$") ~= nil
end

-- Where the daemon answers, without a slash at its end.
function Settings.address()
  local set = Settings.prefs().address
  if string.find(set, "%S") then
    return bare(set)
  end
  local running = Settings.readHomeJson("daemon.json")
  return running and type(running.url) == "string" and bare(running.url) or Settings.DEFAULT_ADDRESS
end

-- The token for an address, and whether it was pasted. The token file is this machine's secret, sent nowhere.
function Settings.token(address)
  local pasted = LrPasswords.retrieve(TOKEN .. address)
  if pasted and pasted ~= "" then
    return pasted, true
  end
  local found = Settings.isThisMachine(address) and readHome("token")
  return found and string.match(found, "%S+") or nil, false
end

-- Save a token for an address; "" forgets it.
function Settings.saveToken(address, token)
  LrPasswords.store(TOKEN .. address, string.match(token, "^%s*(.-)%s*$"))
end

function Settings.mappings()
  return (Paths.parseMappings(Settings.prefs().mappings))
end

-- The command that starts the daemon, as its last start left it; nil when it never ran here.
function Settings.program()
  local program = Settings.readHomeJson("program.json")
  return program and type(program.command) == "table" and #program.command > 0 and program.command or nil
end

return Settings

--- Preferences of the plugin, and where the daemon's own folder may be.
local Preferences = {}
Preferences.__index = Preferences

local NAME = "afterframe"

local SHOWN = {
  { "address", "address of the daemon", "only for a daemon on another computer, such as http://studio:8723" },
  { "token", "token of that daemon", "from the file “token” in its data folder" },
  {
    "folders",
    "folders there",
    "what that computer calls folders of this one: /mnt/nas=/volume1; /home/ann=/data/ann",
  },
  { "export_folder", "folder for exported photos", "empty: the first folder that Afterframe watches" },
}

--- @param parts.dt darktable
-- @param parts.files the module of this name
-- @param parts.folder the plugin's own folder
function Preferences.new(parts)
  return setmetatable(parts, Preferences)
end

--- Show them in darktable's preferences.
function Preferences:register()
  for _, preference in ipairs(SHOWN) do
    local name, label, tooltip = table.unpack(preference)
    self.dt.preferences.register(NAME, name, "string", "Afterframe: " .. label, tooltip, "")
  end
end

--- The value of a preference, or of what the panel remembers; "" when there is none.
function Preferences:get(name)
  return self.dt.preferences.read(NAME, name, "string") or ""
end

function Preferences:set(name, value)
  self.dt.preferences.write(NAME, name, "string", value)
end

--- Folders in which Afterframe may keep its own files, likeliest first: as “afterframe plugin install” noted, as the
-- environment says, or the system's usual one.
function Preferences:homes()
  local noted = self.files.read(self.files.join(self.folder, "home"))
  local user, system = os.getenv "HOME" or "", self.dt.configuration.running_os
  local homes = {}
  homes[#homes + 1] = noted and noted:match "^[^\r\n]+"
  homes[#homes + 1] = os.getenv "AFTERFRAME_HOME"
  if system == "windows" then
    homes[#homes + 1] = (os.getenv "LOCALAPPDATA" or "") .. "\\afterframe"
  elseif system == "macos" then
    homes[#homes + 1] = user .. "/Library/Application Support/afterframe"
  else
    homes[#homes + 1] = (os.getenv "XDG_DATA_HOME" or user .. "/.local/share") .. "/afterframe"
    homes[#homes + 1] = user .. "/.local/share/afterframe"
  end
  return homes
end

return Preferences

-- Folders that the daemon may not use yet: the photographer is asked before it reads them.

local LrDialogs = import "LrDialogs"

local Paths = require "Paths"

local Folders = {}

local SHOWN = 8

local function isAllowed(folder, allowed)
  for _, each in ipairs(allowed) do
    if Paths.isBelow(folder, each.path) then
      return true
    end
  end
  return false
end

-- The topmost folders in which clips of items will be, as the daemon spells them, that it may not use yet.
local function closed(api, items, allowed)
  local folders, seen = {}, {}
  for _, item in ipairs(items) do
    local here = Paths.split(item.file or item.path)
    local folder = not (item.homeless or seen[here]) and api:daemonPath(here)
    seen[here] = true
    if folder and not isAllowed(folder, allowed) then
      folders[#folders + 1] = folder
    end
  end
  table.sort(folders)
  local topmost = {}
  for _, folder in ipairs(folders) do
    if #topmost == 0 or not Paths.isBelow(folder, topmost[#topmost]) then
      topmost[#topmost + 1] = folder
    end
  end
  return topmost
end

-- Ask about the folders of items. allowed: those that the daemon may use already, each with a .path.
function Folders.ask(api, items, allowed)
  local folders = closed(api, items, allowed)
  if #folders == 0 then
    return
  end
  local list = table.concat({ unpack(folders, 1, SHOWN) }, "\n") .. (#folders > SHOWN and "\n…" or "")
  local answer = LrDialogs.confirm(
    LOC "$$$/Afterframe/Folders/Ask=May Afterframe use these folders?",
    list
      .. "\n\n"
      .. LOC "$$$/Afterframe/Folders/Info=It reads photos there when you ask it to, and saves clips beside them.",
    LOC "$$$/Afterframe/Folders/Allow=Allow",
    LOC "$$$/Afterframe/Folders/Deny=Skip these photos"
  )
  for _, folder in ipairs(answer == "ok" and folders or {}) do
    api:allowFolder(folder)
  end
end

return Folders

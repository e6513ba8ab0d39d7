-- Paths of this machine and of the daemon's, which may be another machine that sees the same disks.

local Paths = {}

local function isWindows(path)
  return string.find(path, "^%a:[\\/]") ~= nil or string.find(path, "^\\\\") ~= nil
end

-- A path's parts in one spelling; Windows and macOS do not tell capitals apart, but only Windows' paths show it.
local function comparable(path)
  if isWindows(path) then
    return string.lower((string.gsub(path, "\\", "/")))
  end
  return path
end

local function trimmed(folder)
  local short = string.gsub(folder, "[\\/]+$", "")
  return short ~= "" and short or folder
end

-- What follows a folder in a path, with "/" between the parts; nil when the path lies elsewhere.
local function below(path, folder)
  local whole, prefix = comparable(path), comparable(trimmed(folder))
  if whole == prefix then
    return ""
  elseif string.sub(whole, 1, #prefix + 1) == prefix .. "/" then
    local rest = string.sub(path, #prefix + 2)
    return isWindows(path) and (string.gsub(rest, "\\", "/")) or rest
  end
  return nil
end

local function joined(folder, rest)
  local separator = isWindows(folder) and "\\" or "/"
  if rest == "" then
    return trimmed(folder)
  end
  return trimmed(folder) .. separator .. (separator == "\\" and (string.gsub(rest, "/", "\\")) or rest)
end

-- A name in a folder. By hand: LrPathUtils.child may write umlauts in another form on macOS, and Lightroom compares
-- paths byte by byte.
function Paths.child(folder, name)
  return string.gsub(folder, "[\\/]+$", "") .. (isWindows(folder) and "\\" or "/") .. name
end

function Paths.isAscii(path)
  return not string.find(path, "[\128-\255]")
end

-- The path under another machine's folder, and whether a mapping matched: the longest prefix wins.
local function map(path, mappings, from, to)
  local best, length = path, -1
  for _, mapping in ipairs(mappings) do
    local rest = below(path, mapping[from])
    if rest and #mapping[from] > length then
      best, length = joined(mapping[to], rest), #mapping[from]
    end
  end
  return best, length >= 0
end

-- mappings: a list of { here = folder, there = folder }.
function Paths.toDaemon(path, mappings)
  return map(path, mappings, "here", "there")
end

function Paths.toHere(path, mappings)
  return map(path, mappings, "there", "here")
end

-- "Z:\Photos => /mnt/photos", one on a line; also a list of the lines that make no sense.
function Paths.parseMappings(text)
  local mappings, wrong = {}, {}
  for line in string.gmatch(text or "", "[^\r\n]+") do
    local here, there = string.match(line, "^%s*(.-)%s*=>%s*(.-)%s*$")
    if here and here ~= "" and there ~= "" then
      mappings[#mappings + 1] = { here = here, there = there }
    elseif string.find(line, "%S") then
      wrong[#wrong + 1] = line
    end
  end
  return mappings, wrong
end

-- The folder and the name of a path in either machine's spelling.
function Paths.split(path)
  local pattern = isWindows(path) and "^(.*)[\\/]([^\\/]*)$" or "^(.*)/([^/]*)$"
  local folder, name = string.match(path, pattern)
  return folder == "" and "/" or folder or "", name or path
end

function Paths.isBelow(path, folder)
  return below(path, folder) ~= nil
end

-- A name's stem and its suffix without the dot ("" when it has none).
function Paths.stem(name)
  local stem, suffix = string.match(name, "^(.+)%.([^.]*)$")
  return stem or name, suffix or ""
end

return Paths

-- New files under any path. On Windows io.open takes a path for one of the system's own code page: what is not ASCII
-- goes astray. LrFileUtils takes UTF-8, but cannot write.

local LrFileUtils = import "LrFileUtils"
local LrPathUtils = import "LrPathUtils"

local Paths = require "Paths"

local Staging = {}

local PUBLIC = "C:\\Users\\Public" -- there on every Windows, whatever the user's name

-- Where a file is written before it is moved to its place: in the very place, if io.open can.
local function stagedAs(path)
  if not WIN_ENV or Paths.isAscii(path) then
    return path
  end
  local temp = LrPathUtils.getStandardFilePath "temp"
  local _, name = Paths.split(path)
  return Paths.child(Paths.isAscii(temp) and temp or PUBLIC, name)
end

-- Another volume may refuse a move.
local function relocate(from, to)
  return LrFileUtils.move(from, to) or LrFileUtils.copy(from, to) and LrFileUtils.delete(from)
end

-- Write a new file whose name is ASCII, in any folder; nil and the reason when it cannot be.
function Staging.write(path, bytes)
  local staged = stagedAs(path)
  local file, reason = io.open(staged, "wb")
  local written = file and file:write(bytes)
  if file then
    written = file:close() and written
  end
  if written and staged ~= path then
    written = relocate(staged, path)
  end
  if not written and file then
    LrFileUtils.delete(staged)
  end
  return written and true or nil, reason
end

return Staging

--- Files: read, written whole or not at all, copied, named. Paths are UTF-8, as darktable gives them.
local files = {}

local CHUNK = 1024 * 1024

files.separator = package.config:sub(1, 1)

--- A path from a folder and a name in it.
function files.join(folder, name)
  return folder:match("[/\\]$") and folder .. name or folder .. files.separator .. name
end

--- "DSC_0042", ".jpg" from "DSC_0042.jpg".
function files.split(name)
  local stem, suffix = name:match("^(.+)(%.[^./\\]*)$")
  return stem or name, suffix or ""
end

function files.exists(path)
  local file = io.open(path, "rb")
  return file ~= nil and file:close()
end

--- The whole of a file; nil when it cannot be read.
function files.read(path)
  local file = io.open(path, "rb")
  local content = file and file:read("a")
  return content, file and file:close()
end

--- Write a file that nobody ever sees half of.
-- @return true; or nil and why not
function files.write(path, content)
  local part = path .. ".part"
  local file, why = io.open(part, "wb")
  if not file then
    return nil, why
  end
  local written = file:write(content)
  if not (file:close() and written) then
    os.remove(part)
    return nil, part .. " cannot be written"
  end
  return files.move(part, path)
end

--- Rename over what is there; Windows does not do so by itself.
-- @return true; or nil and why not
function files.move(source, target)
  local moved, why = os.rename(source, target)
  if not moved and files.separator == "\\" and os.remove(target) then
    moved, why = os.rename(source, target)
  end
  return moved, why
end

--- Copy a file's bytes; half a copy is removed again.
-- @return true; or nil and why not
function files.copy(source, target)
  local from, why = io.open(source, "rb")
  if not from then
    return nil, why
  end
  local to, cannot = io.open(target, "wb")
  if not to then
    from:close()
    return nil, cannot
  end
  local done, problem = true, nil
  for bytes in
    function()
      return from:read(CHUNK)
    end
  do
    done, problem = to:write(bytes)
    if not done then
      break
    end
  end
  from:close()
  local closed, late = to:close()
  if not (done and closed) then
    os.remove(target)
    return nil, problem or late
  end
  return true
end

return files

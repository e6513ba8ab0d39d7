-- Runs inside darktable: takes Lua chunks from a folder, one after the other, and writes down what they return.
local dt = require "darktable"
local desk = os.getenv "DRIVER_DESK"

local function write(name, text)
  local file = assert(io.open(desk .. "/part", "w"))
  file:write(text)
  file:close()
  assert(os.rename(desk .. "/part", desk .. "/" .. name))
end

local function answer(path)
  local chunk, why = loadfile(path)
  if not chunk then
    return "failed\n" .. why
  end
  local ok, value = pcall(chunk)
  return (ok and "ok" or "failed") .. "\n" .. tostring(value)
end

dt.control.dispatch(function()
  local next_one = 1
  write("ready", "")
  while not dt.control.ending do
    local path = desk .. "/" .. next_one .. ".lua"
    local question = io.open(path)
    if question then
      question:close()
      write(next_one .. ".out", answer(path))
      next_one = next_one + 1
    else
      dt.control.sleep(20)
    end
  end
end)

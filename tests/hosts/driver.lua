-- Runs inside darktable: takes Lua chunks from a folder, one after the other, and writes down what they return.
local dt = require "darktable"
local desk = os.getenv "DRIVER_DESK"

local function write(name, text)
  local file = assert(io.open(desk .. "/part", "w"))
  file:write(text)
  file:close()
  assert(os.rename(desk .. "/part", desk .. "/" .. name))
end

dt.control.dispatch(function()
  local next_one = 1
  write("ready", "")
  while not dt.control.ending do
    local chunk = loadfile(desk .. "/" .. next_one .. ".lua")
    if chunk then
      local ok, answer = pcall(chunk)
      write(next_one .. ".out", (ok and "ok" or "failed") .. "\n" .. tostring(answer))
      next_one = next_one + 1
    else
      dt.control.sleep(20)
    end
  end
end)

-- The one owner of luacheck's options: `luacheck .` here; the suite runs it (tests/lrplugin/test_lua_source.py).
max_line_length = 120
self = false -- a method need not use it

local lightroom = {
  std = "lua51",
  read_globals = { "import", "LOC", "WIN_ENV", "MAC_ENV", "_PLUGIN" },
}

include_files = { "lrplugin/**/*.lua", "tests/**/*.lua" }
files["lrplugin/afterframe.lrplugin"] = lightroom
files["lrplugin/darktable"] = { std = "lua54" }
files["lrplugin/shared"] = { std = "lua51+lua54" } -- both hosts load it
files["tests/hosts"] = { std = "lua54" }
files["tests/lrplugin/fake_darktable.lua"] = { std = "lua54", read_globals = { "CONFIG_DIR", "API_MAJOR", "PAUSE", "SYSTEM" } }
files["tests/lrplugin/fake_lightroom*.lua"] = { std = "lua51" }

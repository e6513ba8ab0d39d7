-- luacheck lrplugin: Lightroom's Lua is 5.1, darktable's is 5.4.
files["afterframe.lrplugin"] = {
  std = "lua51",
  max_line_length = 120,
  read_globals = { "import", "LOC", "_PLUGIN", "WIN_ENV", "MAC_ENV" },
}

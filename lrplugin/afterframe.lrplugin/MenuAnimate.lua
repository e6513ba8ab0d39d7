-- Library > Plug-in Extras > Animate selected…
local Animate = require "Animate"
local AnimateDialog = require "AnimateDialog"
local Api = require "Api"
local Catalog = require "Catalog"
local Daemon = require "Daemon"
local Task = require "Task"

Task.start("Afterframe: animate selected", function(context)
  local photos = Catalog.selected()
  local api = Api.connect()
  local state = #photos > 0 and Daemon.reach(api)
  if not state then
    return
  end
  local wish, importThem = AnimateDialog.ask(context, api, photos, state.health)
  if wish then
    Animate.run(context, photos, wish, importThem)
  end
end)

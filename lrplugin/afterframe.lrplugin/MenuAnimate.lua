-- Library > Plug-in Extras > Animate selected…
local Animate = require "Animate"
local AnimateDialog = require "AnimateDialog"
local Catalog = require "Catalog"
local Task = require "Task"

Task.start("Afterframe: animate selected", function(context)
  local photos = Catalog.selected()
  local prepared = #photos > 0 and Animate.prepare(photos)
  if not prepared then
    return
  end
  local request, importClips = AnimateDialog.ask(context, prepared)
  if request then
    Animate.run(context, prepared, request, importClips)
  end
end)

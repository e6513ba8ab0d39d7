-- Library > Plug-in Extras > Animate now: no questions, the recipe that each photo suggests.
local Animate = require "Animate"
local Catalog = require "Catalog"
local RenderRequest = require "RenderRequest"
local Settings = require "Settings"
local Task = require "Task"

Task.start("Afterframe: animate now", function(context)
  local photos = Catalog.selected()
  local prepared = #photos > 0 and Animate.prepare(photos)
  if prepared then
    Animate.run(context, prepared, RenderRequest.automatic(), Settings.prefs().importWhenDone)
  end
end)

-- Library > Plug-in Extras > Animate now: no questions, the recipe that each photo suggests.
local Animate = require "Animate"
local Catalog = require "Catalog"
local Settings = require "Settings"
local Task = require "Task"

Task.start("Afterframe: animate now", function(context)
  local photos = Catalog.selected()
  if #photos > 0 then
    Animate.run(context, photos, { recipe = {} }, Settings.prefs().importWhenDone)
  end
end)

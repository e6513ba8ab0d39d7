-- What to ask the daemon for: { recipe = {}, generator, variants }, from the values of a dialog.

local Settings = require "Settings"

local RenderRequest = {}

-- Without questions: the recipe that each photo suggests.
function RenderRequest.automatic()
  return { recipe = {} }
end

-- values: camera, quality, generator; optional: prompt, motionOn, motion, durationOn, duration, variants.
function RenderRequest.from(values)
  local recipe = {}
  if string.find(values.prompt or "", "%S") then
    recipe.prompt = values.prompt
  end
  recipe.motion_intensity = values.motionOn and values.motion or nil
  recipe.duration_s = values.durationOn and values.duration or nil
  recipe.camera_movement = values.camera ~= Settings.AUTO and values.camera or nil
  recipe.quality = values.quality ~= Settings.AUTO and values.quality or nil
  return {
    recipe = recipe,
    generator = values.generator ~= Settings.AUTO and values.generator or nil,
    variants = (values.variants or 1) > 1 and values.variants or nil,
  }
end

return RenderRequest

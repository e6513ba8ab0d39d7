--- The panel in the lighttable: the status of the selected photos, and what can be done with them.
local Panel = {}
Panel.__index = Panel

local MOTION = { "as the photo suggests", "barely any", "gentle", "moderate", "lively" }
local INTENSITY = { nil, 0.15, 0.35, 0.6, 0.85 }
local LAST_MOTION = 5
local QUALITY = { "as set in Afterframe", "fast", "standard", "best" } -- from the second on as recipes name them

local function chosen_quality(setting)
  return math.max(1, math.min(#QUALITY, tonumber(setting "quality") or 1))
end

--- The quality that was chosen, as recipes name it; nil: as set in Afterframe.
-- @param setting reads a preference
function Panel.quality(setting)
  local chosen = chosen_quality(setting)
  return chosen > 1 and QUALITY[chosen] or nil
end

--- @param parts.dt darktable
-- @param parts.actions as in the module of this name
-- @param parts.setting, parts.set read and write a preference
function Panel.new(parts)
  local panel = setmetatable(parts, Panel)
  panel:_build()
  return panel
end

function Panel:_button(name, label, tooltip)
  return self.dt.new_widget "button" {
    name = "afterframe-" .. name,
    label = label,
    tooltip = tooltip,
    clicked_callback = function()
      self.actions[name](self.actions)
    end,
  }
end

function Panel:_row(...)
  return self.dt.new_widget "box" { orientation = "horizontal", ... }
end

function Panel:_build()
  local dt = self.dt
  self.status = dt.new_widget "label" { name = "afterframe-status", label = "", selectable = true, halign = "start" }
  self.prompt = dt.new_widget "entry" {
    text = self.setting "prompt",
    placeholder = "what happens next",
    tooltip = "in your own words; empty: from the photo's caption and keywords",
  }
  self.motion = dt.new_widget "combobox" {
    label = "motion",
    tooltip = "how much motion",
    selected = math.max(1, math.min(LAST_MOTION, tonumber(self.setting "motion") or 1)),
    table.unpack(MOTION),
  }
  self.quality = dt.new_widget "combobox" {
    label = "quality",
    tooltip = "how much time a model's clip is worth; also for photos that are exported and animated",
    selected = chosen_quality(self.setting),
    changed_callback = function(widget)
      self.set("quality", tostring(widget.selected))
    end,
    table.unpack(QUALITY),
  }
  self.widget = dt.new_widget "box" {
    orientation = "vertical",
    self.prompt,
    self.motion,
    self.quality,
    self:_button("animate", "animate", "make a clip of each selected photo"),
    self:_row(
      self:_button("open", "open clip", "play the newest clip of the selected photo"),
      self:_button("refresh", "refresh", "update the selected photos and import missing posters")
    ),
    self:_row(
      self:_button("approve", "approve", "approve the newest clip of each selected photo"),
      self:_button("reject", "reject", "reject the newest clip of each selected photo")
    ),
    self:_row(
      self:_button("review", "review page", "all clips, in the browser"),
      self:_button("show_log", "log", "open the log, to send with a report: " .. self.actions.log.path)
    ),
    self.status, -- last: it grows, and no button may jump away under the pointer
  }
end

--- Show a text. Nothing is touched where nothing changes: each touch waits for darktable's window.
function Panel:show(text)
  if text ~= self.shown then
    self.shown = text
    self.status.label = text
  end
end

--- What the photographer chose, as the recipe's settings; remembered for the next time.
function Panel:overrides()
  local prompt = self.prompt.text:match("^%s*(.-)%s*$")
  local motion = self.motion.selected
  self.set("prompt", prompt)
  self.set("motion", tostring(motion))
  return {
    prompt = prompt ~= "" and prompt or nil,
    motion_intensity = INTENSITY[motion],
    quality = Panel.quality(self.setting),
  }
end

return Panel

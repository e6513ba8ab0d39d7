-- The part of the stand-in that a photographer sees: dialogs, views and their bindings.

local sdk, host, tools = ...
local strict, set, check, kind, onlyKeys, yields =
  tools.strict, tools.set, tools.check, tools.kind, tools.onlyKeys, tools.yields

local LrDialogs = strict("LrDialogs", {
  message = function(message, info, style)
    kind(message, "string", "a message")
    check(style == nil or set("info warning critical")[style], "no style %s", tostring(style))
    host.dialog("message", message, info or "", style or "info")
  end,
  confirm = function(message, info, action, cancel, other)
    kind(message, "string", "a question")
    yields "LrDialogs.confirm"
    local answer = host.dialog("confirm", message, info or "", table.concat({ action, cancel or "Cancel", other }, "|"))
    check(set("ok cancel other")[answer], "a test answered %s", tostring(answer))
    check(answer ~= "other" or other, "there is no other button")
    return answer
  end,
  presentModalDialog = function(options)
    onlyKeys(options, set "title contents actionVerb cancelVerb otherVerb resizable save_frame", "presentModalDialog")
    check(options.contents and options.contents.view, "presentModalDialog needs contents")
    yields "LrDialogs.presentModalDialog"
    return sdk.showModal(options.title, options.contents)
  end,
})

local VIEW = "bind_to_object font height width margin margin_left margin_top place_horizontal place_vertical size "
  .. "tooltip visible enabled fill_horizontal fill_vertical fill "
local VIEWS = {
  row = "spacing",
  column = "spacing place",
  group_box = "title spacing",
  static_text = "title alignment height_in_lines width_in_chars selectable text_color truncation",
  edit_field = "value alignment immediate min max precision placeholder_string validate height_in_lines width_in_chars "
    .. "width_in_digits wraps",
  password_field = "value immediate width_in_chars",
  push_button = "title action",
  checkbox = "title value checked_value unchecked_value",
  popup_menu = "title value items",
  slider = "value min max integral",
  spacer = "",
  separator = "",
}

local factory = {
  control_spacing = function()
    return 4
  end,
  dialog_spacing = function()
    return 8
  end,
}
for name, keys in pairs(VIEWS) do
  local known = set(VIEW .. keys)
  factory[name] = function(_, options)
    onlyKeys(options, known, "f:" .. name)
    for index, child in ipairs(options) do
      check(type(child) == "table" and child.view, "f:%s: child %d is no view", name, index)
    end
    return { view = name, options = options }
  end
end
sdk.factory = strict("LrView.osFactory()", factory)

local LrView = strict("LrView", {
  osFactory = function()
    return sdk.factory
  end,
  bind = function(key)
    kind(key, "string", "a binding")
    return { bound = key }
  end,
  share = function(name)
    return { shared = name }
  end,
})

function sdk.newPropertyTable()
  local values, observers = {}, {}
  local made = setmetatable({}, {
    __index = function(_, key)
      if key == "addObserver" then
        return function(_, name, observer)
          observers[name] = observer
        end
      end
      return values[key]
    end,
    __newindex = function(table_, key, value)
      local changed = values[key] ~= value
      values[key] = value
      if changed and observers[key] then
        observers[key](table_, key, value)
      end
    end,
  })
  sdk.shown[made] = values
  return made
end

local LrBinding = strict("LrBinding", {
  makePropertyTable = function(context)
    check(context, "makePropertyTable needs a context")
    return sdk.newPropertyTable()
  end,
})

-- Every view in a dialog, with the table that it is bound to.
function sdk.eachView(view, visit, object)
  object = view.options.bind_to_object or object
  visit(view, object)
  for _, child in ipairs(view.options) do
    sdk.eachView(child, visit, object)
  end
end

-- A text that does not wrap, or a word that is wider than it, is not drawn at all.
local function checkFits(view, text)
  local width, lines = view.options.width_in_chars, view.options.height_in_lines or 1
  if width then
    local used = 0
    for line in string.gmatch(text .. "\n", "(.-)\n") do
      for word in string.gmatch(line, "%S+") do
        check(#word <= width, "static_text drops a word of %d in %d: %s", #word, width, word)
      end
      used = used + math.max(1, math.ceil(#line / width))
    end
    check(used <= lines, "static_text drops what does not fit in %d lines: %s", lines, text)
  end
  check(not host.windows or not string.find(text, "&", 1, true), "Windows takes & for a shortcut: %s", text)
end

-- What a view shows: each binding's key must be there in the table, else it is one of the plug-in's preferences.
local function checkView(view, object)
  for name, value in pairs(view.options) do
    if type(value) == "table" and value.bound then
      check(object, "%s of %s is bound to no table: Lightroom takes the preferences", name, view.view)
      check(object[value.bound] ~= nil, "nobody set “%s”, to which %s is bound", value.bound, name)
      value = object[value.bound]
    end
    if view.view == "static_text" and name == "title" then
      checkFits(view, value)
    end
  end
end

-- Check all that a dialog or a section shows.
function sdk.checkViews(view, object)
  sdk.eachView(view, checkView, object)
end

function sdk.press(view)
  sdk.eachView(view, function(each)
    if each.view == "push_button" then
      each.options.action()
    end
  end)
end

function sdk.showModal(title, contents)
  local object = contents.options.bind_to_object
  sdk.modal = sdk.shown[object]
  sdk.checkViews(contents)
  local answer, changes, press = host.modal(title, sdk.modal)
  for name, value in pairs(changes) do
    object[name] = value
  end
  if press then
    sdk.press(contents)
  end
  return answer
end

return { LrBinding = LrBinding, LrDialogs = LrDialogs, LrView = LrView }

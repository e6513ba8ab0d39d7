-- JSON (RFC 8259) for Lightroom (Lua 5.1, by `require`) and darktable (Lua 5.4, by `dofile`); neither brings any.
-- Each installation carries this file in the plugin's own folder.
--
-- null is left out, of arrays too. A table is an array when json.array made it, when json.decode read it from one, or
-- when it has a first item; any other is an object, whose names must be strings.

local json = {}

local ARRAY = {}
local DEEPEST = 100 -- levels of nesting
local EXACT = 2 ^ 53 -- doubles hold every whole number below
local UNESCAPED = { ['"'] = '"', ["\\"] = "\\", ["/"] = "/", b = "\b", f = "\f", n = "\n", r = "\r", t = "\t" }
local WORDS = { ["true"] = true, ["false"] = false }

-- Mark a table as an array, so that an empty one is written as [].
function json.array(items)
  return setmetatable(items or {}, ARRAY)
end

-- Writing --------------------------------------------------------------------------------------------------------

local function quote(text)
  return '"'
    .. string.gsub(text, '[%c"\\\127]', function(character)
      return string.format("\\u%04x", string.byte(character))
    end)
    .. '"'
end

-- The shortest decimal that reads back as the same double. Some locales write a comma in it.
local function encodeNumber(value)
  if value ~= value or value == math.huge or value == -math.huge then
    error("JSON: cannot write " .. tostring(value), 0)
  elseif math.type and math.type(value) == "integer" then
    return string.format("%d", value)
  elseif math.floor(value) == value and math.abs(value) < EXACT then
    return string.format("%.0f", value)
  end
  local short = string.format("%.14g", value)
  local text = tonumber(short) == value and short or string.format("%.17g", value)
  return (string.gsub(text, ",", "."))
end

local encode

local function encodeArray(value, depth)
  local parts = {}
  for index, item in ipairs(value) do
    parts[index] = encode(item, depth + 1)
  end
  return "[" .. table.concat(parts, ",") .. "]"
end

local function encodeObject(value, depth)
  local names, parts = {}, {}
  for name in pairs(value) do
    if type(name) ~= "string" then
      error("JSON: a name must be a string, not a " .. type(name), 0)
    end
    names[#names + 1] = name
  end
  table.sort(names)
  for index, name in ipairs(names) do
    parts[index] = quote(name) .. ":" .. encode(value[name], depth + 1)
  end
  return "{" .. table.concat(parts, ",") .. "}"
end

encode = function(value, depth)
  local kind = type(value)
  if depth > DEEPEST then
    error("JSON: nested too deeply", 0)
  elseif kind == "table" then
    local isArray = getmetatable(value) == ARRAY or value[1] ~= nil
    return (isArray and encodeArray or encodeObject)(value, depth)
  elseif kind == "string" then
    return quote(value)
  elseif kind == "number" then
    return encodeNumber(value)
  elseif kind == "boolean" then
    return tostring(value)
  end
  error("JSON: cannot write a " .. kind, 0)
end

-- A value as JSON text, names in order. An error when JSON cannot say it.
function json.encode(value)
  return encode(value, 0)
end

-- Reading --------------------------------------------------------------------------------------------------------

local function fail(at)
  error("JSON: not understood at byte " .. at, 0)
end

local function skipSpace(text, at)
  return string.find(text, "[^ \t\r\n]", at) or #text + 1
end

-- A code point as UTF-8.
local function utf8Of(code)
  local function tail(shift)
    return 128 + math.floor(code / shift) % 64
  end
  if code < 0x80 then
    return string.char(code)
  elseif code < 0x800 then
    return string.char(192 + math.floor(code / 64), tail(1))
  elseif code < 0x10000 then
    return string.char(224 + math.floor(code / 4096), tail(64), tail(1))
  end
  return string.char(240 + math.floor(code / 262144), tail(4096), tail(64), tail(1))
end

-- \uXXXX at the place of its "u": the characters, and where they end. A surrogate pair is one character, a lone
-- surrogate none.
local function decodeUnicode(text, at)
  local hex = string.match(text, "^u(%x%x%x%x)", at) or fail(at)
  local code, last = tonumber(hex, 16), at + 4
  local low = string.match(text, "^\\u([dD][c-fC-F]%x%x)", last + 1)
  if code >= 0xD800 and code < 0xDC00 and low then
    return utf8Of(0x10000 + (code - 0xD800) * 1024 + tonumber(low, 16) - 0xDC00), last + 6
  elseif code >= 0xD800 and code < 0xE000 then
    return utf8Of(0xFFFD), last
  end
  return utf8Of(code), last
end

-- The string whose opening quote is at `at`, and what follows it.
local function decodeString(text, at)
  local parts, from = {}, at + 1
  while true do
    local stop = string.find(text, '["\\%z\1-\31]', from) or fail(at)
    local mark = string.sub(text, stop, stop)
    parts[#parts + 1] = string.sub(text, from, stop - 1)
    if mark == '"' then
      return table.concat(parts), stop + 1
    elseif mark ~= "\\" then
      fail(stop)
    end
    local escape, last = string.sub(text, stop + 1, stop + 1), stop + 1
    if escape == "u" then
      parts[#parts + 1], last = decodeUnicode(text, stop + 1)
    else
      parts[#parts + 1] = UNESCAPED[escape] or fail(stop)
    end
    from = last + 1
  end
end

local function decodeNumber(text, at)
  local number = string.match(text, "^-?%d+", at) or fail(at)
  if string.find(number, "^-?0%d") then
    fail(at)
  end
  number = number .. (string.match(text, "^%.%d+", at + #number) or "")
  number = number .. (string.match(text, "^[eE][+-]?%d+", at + #number) or "")
  -- Lua 5.1 reads a decimal point only where the locale has one.
  local value = tonumber(number) or tonumber((string.gsub(number, "%.", ",")))
  return value or fail(at), at + #number
end

local decode

-- The items of an array or an object up to `close`; `add` takes the place of an item and gives the place after it.
local function decodeItems(text, at, close, add)
  at = skipSpace(text, at + 1)
  if string.sub(text, at, at) == close then
    return at + 1
  end
  while true do
    at = skipSpace(text, add(at))
    local mark = string.sub(text, at, at)
    if mark == close then
      return at + 1
    elseif mark ~= "," then
      fail(at)
    end
    at = skipSpace(text, at + 1)
  end
end

local function decodeArray(text, at, depth)
  local items = json.array()
  local after = decodeItems(text, at, "]", function(from)
    items[#items + 1], from = decode(text, from, depth + 1)
    return from
  end)
  return items, after
end

local function decodeObject(text, at, depth)
  local object = {}
  local after = decodeItems(text, at, "}", function(from)
    if string.sub(text, from, from) ~= '"' then
      fail(from)
    end
    local name, colon = decodeString(text, from)
    colon = skipSpace(text, colon)
    if string.sub(text, colon, colon) ~= ":" then
      fail(colon)
    end
    object[name], from = decode(text, skipSpace(text, colon + 1), depth + 1)
    return from
  end)
  return object, after
end

decode = function(text, at, depth)
  local first = string.sub(text, at, at)
  if depth > DEEPEST then
    fail(at)
  elseif first == "{" then
    return decodeObject(text, at, depth)
  elseif first == "[" then
    return decodeArray(text, at, depth)
  elseif first == '"' then
    return decodeString(text, at)
  end
  local word = string.match(text, "^%a+", at)
  if not word then
    return decodeNumber(text, at)
  elseif WORDS[word] == nil and word ~= "null" then
    fail(at)
  end
  return WORDS[word], at + #word
end

-- The value of a JSON text; or nil and what is wrong with it. A text that says null gives nil alone.
function json.decode(text)
  local understood, value, after = pcall(decode, text, skipSpace(text, 1), 0)
  if not understood then
    return nil, value
  elseif skipSpace(text, after) <= #text then
    return nil, "JSON: something follows the value"
  end
  return value
end

return json

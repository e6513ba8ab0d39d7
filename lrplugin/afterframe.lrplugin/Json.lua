-- JSON (RFC 8259) for what the daemon takes and gives; the SDK has none.
-- null is left out; a Lua table is an array when Json.array made it or when it has a first item.

local Json = {}

local ARRAY = {}
local DEEPEST = 64
local ESCAPES = { ['"'] = '"', ["\\"] = "\\", ["/"] = "/", b = "\b", f = "\f", n = "\n", r = "\r", t = "\t" }

-- Mark a table as an array, so that an empty one is written as [].
function Json.array(items)
  return setmetatable(items or {}, ARRAY)
end

local function quoted(text)
  return '"' .. string.gsub(text, '[%c"\\\127]', function(character)
    return string.format("\\u%04x", string.byte(character))
  end) .. '"'
end

local encode

local function encodeTable(value, depth)
  local parts = {}
  if getmetatable(value) == ARRAY or value[1] ~= nil then
    for _, item in ipairs(value) do
      parts[#parts + 1] = encode(item, depth + 1)
    end
    return "[" .. table.concat(parts, ",") .. "]"
  end
  local names = {}
  for name in pairs(value) do
    names[#names + 1] = name
  end
  table.sort(names)
  for _, name in ipairs(names) do
    parts[#parts + 1] = quoted(name) .. ":" .. encode(value[name], depth + 1)
  end
  return "{" .. table.concat(parts, ",") .. "}"
end

encode = function(value, depth)
  local kind = type(value)
  if depth > DEEPEST then
    error("JSON: nested too deeply")
  elseif kind == "table" then
    return encodeTable(value, depth)
  elseif kind == "string" then
    return quoted(value)
  elseif kind == "boolean" then
    return tostring(value)
  elseif kind == "number" and value == value and math.abs(value) < math.huge then
    return (string.gsub(string.format("%.14g", value), ",", "."))
  end
  error("JSON: cannot write a " .. kind)
end

function Json.encode(value)
  return encode(value, 0)
end

-- A code point as UTF-8.
local function utf8(code)
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

local function fail(at)
  error("JSON: not understood at byte " .. at, 0)
end

local function skip(text, at)
  return string.find(text, "[^ \t\r\n]", at) or #text + 1
end

-- \uXXXX at the place of its "u", a surrogate pair as one: the characters, and where they end.
local function decodeUnicode(text, at)
  local hex = string.match(text, "^u(%x%x%x%x)", at) or fail(at)
  local code, last = tonumber(hex, 16), at + 4
  local low = string.match(text, "^\\u([dD][c-fC-F]%x%x)", last + 1)
  if code >= 0xD800 and code < 0xDC00 and low then
    return utf8(0x10000 + (code - 0xD800) * 1024 + tonumber(low, 16) - 0xDC00), last + 6
  elseif code >= 0xD800 and code < 0xE000 then
    return utf8(0xFFFD), last
  end
  return utf8(code), last
end

local function decodeString(text, at)
  local parts, from = {}, at + 1
  while true do
    local stop = string.find(text, '["\\]', from) or fail(at)
    parts[#parts + 1] = string.sub(text, from, stop - 1)
    if string.sub(text, stop, stop) == '"' then
      return table.concat(parts), stop + 1
    end
    local escape = string.sub(text, stop + 1, stop + 1)
    local last = stop + 1
    if escape == "u" then
      parts[#parts + 1], last = decodeUnicode(text, stop + 1)
    else
      parts[#parts + 1] = ESCAPES[escape] or fail(stop)
    end
    from = last + 1
  end
end

local decode

-- The items of an array or an object: `add` is called with (text, at) and gives where the item ends.
local function decodeItems(text, at, close, add)
  at = skip(text, at + 1)
  if string.sub(text, at, at) == close then
    return at + 1
  end
  while true do
    at = skip(text, add(at))
    local mark = string.sub(text, at, at)
    if mark == close then
      return at + 1
    elseif mark ~= "," then
      fail(at)
    end
    at = skip(text, at + 1)
  end
end

local function decodeArray(text, at, depth)
  local items = Json.array()
  local last = decodeItems(text, at, "]", function(from)
    items[#items + 1], from = decode(text, from, depth + 1)
    return from
  end)
  return items, last
end

local function decodeObject(text, at, depth)
  local object = {}
  local last = decodeItems(text, at, "}", function(from)
    if string.sub(text, from, from) ~= '"' then
      fail(from)
    end
    local name, colon = decodeString(text, from)
    colon = skip(text, colon)
    if string.sub(text, colon, colon) ~= ":" then
      fail(colon)
    end
    object[name], from = decode(text, skip(text, colon + 1), depth + 1)
    return from
  end)
  return object, last
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
  local word = string.match(text, "^%a+", at) or string.match(text, "^[%d.eE+-]+", at) or fail(at)
  if word == "true" or word == "false" then
    return word == "true", at + #word
  elseif word == "null" then
    return nil, at + #word
  end
  return tonumber(word) or fail(at), at + #word
end

-- The value of a JSON text, or nil and what is wrong with it.
function Json.decode(text)
  local understood, value, last = pcall(decode, text, skip(text, 1), 0)
  if not understood then
    return nil, value
  elseif skip(text, last) <= #text then
    return nil, "JSON: something follows the value"
  end
  return value
end

return Json

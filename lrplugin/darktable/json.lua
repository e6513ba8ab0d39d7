--- JSON (RFC 8259), as far as the daemon speaks it: no numbers beyond doubles; null becomes nil.
local json = {}

local ESCAPED = { ['"'] = '\\"', ["\\"] = "\\\\" }
local NAMED = { b = "\b", f = "\f", n = "\n", r = "\r", t = "\t", ['"'] = '"', ["\\"] = "\\", ["/"] = "/" }
local LITERALS = { ["true"] = true, ["false"] = false }
local DEEPEST = 100

local function text(value)
  return '"' .. value:gsub('[%c"\\]', function(char)
    return ESCAPED[char] or string.format("\\u%04x", char:byte())
  end) .. '"'
end

--- A value as JSON text. A table with a first element is a list, any other an object.
function json.encode(value)
  if type(value) == "string" then
    return text(value)
  elseif type(value) ~= "table" then
    return tostring(value)
  end
  local parts = {}
  if value[1] ~= nil then
    for index, item in ipairs(value) do
      parts[index] = json.encode(item)
    end
    return "[" .. table.concat(parts, ",") .. "]"
  end
  for key, item in pairs(value) do
    parts[#parts + 1] = text(key) .. ":" .. json.encode(item)
  end
  table.sort(parts)
  return "{" .. table.concat(parts, ",") .. "}"
end

local function wrong(at)
  error({ json = "no JSON at byte " .. at }, 0)
end

local function spaces(source, at)
  return source:find("[^ \t\r\n]", at) or #source + 1
end

local function unicode(source, at)
  local code = tonumber(source:match("^%x%x%x%x", at) or wrong(at), 16)
  if code >= 0xD800 and code < 0xDC00 then
    local low = tonumber(source:match("^\\u(%x%x%x%x)", at + 4) or "0", 16)
    if low >= 0xDC00 and low < 0xE000 then
      return utf8.char(0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00)), at + 10
    end
  end
  return utf8.char(code), at + 4
end

local function read_text(source, at)
  local parts = {}
  while true do
    local stop = source:find('["\\]', at) or wrong(at)
    parts[#parts + 1] = source:sub(at, stop - 1)
    if source:sub(stop, stop) == '"' then
      return table.concat(parts), stop + 1
    end
    local kind = source:sub(stop + 1, stop + 1)
    if kind == "u" then
      parts[#parts + 1], at = unicode(source, stop + 2)
    else
      parts[#parts + 1], at = NAMED[kind] or wrong(stop), stop + 2
    end
  end
end

local read

local function read_members(source, at, depth, close, member)
  local all = {}
  at = spaces(source, at)
  if source:sub(at, at) == close then
    return all, at + 1
  end
  while true do
    at = spaces(source, member(all, at, depth))
    local char = source:sub(at, at)
    if char == close then
      return all, at + 1
    end
    at = char == "," and spaces(source, at + 1) or wrong(at)
  end
end

function read(source, at, depth)
  if depth > DEEPEST then
    wrong(at)
  end
  at = spaces(source, at)
  local char = source:sub(at, at)
  if char == "{" then
    return read_members(source, at + 1, depth, "}", function(all, from)
      local key, value
      key, from = read_text(source, source:sub(from, from) == '"' and from + 1 or wrong(from))
      from = spaces(source, from)
      value, from = read(source, source:sub(from, from) == ":" and from + 1 or wrong(from), depth + 1)
      all[key] = value
      return from
    end)
  elseif char == "[" then
    local count = 0
    return read_members(source, at + 1, depth, "]", function(all, from)
      count = count + 1
      all[count], from = read(source, from, depth + 1)
      return from
    end)
  elseif char == '"' then
    return read_text(source, at + 1)
  end
  local word = source:match("^%a+", at)
  if word == "true" or word == "false" or word == "null" then
    return LITERALS[word], at + #word
  end
  local number = source:match("^-?%d+%.?%d*[eE]?[+-]?%d*", at) or wrong(at)
  return tonumber(number) or wrong(at), at + #number
end

--- The value that a JSON text stands for.
-- @return the value; or nil and why it is none
function json.decode(source)
  local ok, value, at = pcall(read, source, 1, 0)
  if not ok then
    return nil, type(value) == "table" and value.json or value
  elseif spaces(source, at) <= #source then
    return nil, "no JSON at byte " .. at
  end
  return value
end

return json

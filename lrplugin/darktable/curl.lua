--- HTTP by the curl program: darktable's Lua has none.
--
-- What opens the daemon never stands on a command line, where every user of the machine could read it: curl reads it
-- from a file that this user alone can read.
local Curl = {}
Curl.__index = Curl

local CONNECT_S = 2

--- @param parts.execute runs a command line and gives its exit status
-- @param parts.files the module of this name
-- @param parts.windows whether this is Windows
function Curl.new(parts)
  return setmetatable(parts, Curl)
end

--- Send requests, one after the other, over one connection.
-- @param requests a list of {url, bearer, body}: a bearer where one is sent, a body for a POST, nil for a GET
-- @param answer_s how long each answer may take, seconds
-- @return curl's exit status, and a list of {text, status, seconds}; nil when no temporary file can be written.
-- POSIX systems may give the raw wait status.
function Curl:send(requests, answer_s)
  local desk = self:_desk()
  local config = {}
  for index, request in ipairs(requests) do
    config[index] = self:_config(request, index, desk, answer_s)
  end
  local status, answers
  if desk.put("config", table.concat(config, "next\n")) then
    status = self.execute(self:_command(desk))
    answers = self:_answers(#requests, desk)
  end
  desk.clear()
  return status, answers
end

function Curl:_answers(count, desk)
  local answers = {}
  for line in (desk.take "report" or ""):gmatch "[^\r\n]+" do
    local status, seconds = line:match "^(%d+) (%S+)"
    answers[#answers + 1] = { status = tonumber(status), seconds = tonumber(seconds) }
  end
  for index = 1, count do
    answers[index] = answers[index] or {}
    answers[index].text = desk.take("answer" .. index)
  end
  return answers
end

local function quoted(value)
  local escapes = { ["\\"] = "\\\\", ['"'] = '\\"', ["\n"] = "\\n", ["\r"] = "\\r", ["\t"] = "\\t" }
  return '"' .. value:gsub('[\\"\n\r\t]', escapes) .. '"'
end

--- One request in the words of a curl config file (curl(1), --config).
function Curl:_config(request, index, desk, answer_s)
  local lines = {
    "url = " .. quoted(request.url),
    "output = " .. quoted(desk.name("answer" .. index)),
    'write-out = "%{http_code} %{time_total}\\n"',
    'proto = "=http,https"',
    'noproxy = "*"',
    "connect-timeout = " .. CONNECT_S,
    "max-time = " .. answer_s,
    "silent",
    "globoff",
  }
  if request.bearer then
    lines[#lines + 1] = "header = " .. quoted("Authorization: Bearer " .. request.bearer)
  end
  if request.body then
    desk.put("body" .. index, request.body)
    lines[#lines + 1] = 'header = "Content-Type: application/json"'
    lines[#lines + 1] = 'header = "Expect:"'
    lines[#lines + 1] = "data-binary = " .. quoted("@" .. desk.name("body" .. index))
  end
  return table.concat(lines, "\n") .. "\n"
end

local function word(name)
  return "'" .. name:gsub("'", "'\\''") .. "'"
end

function Curl:_command(desk)
  local config, report = desk.name "config", desk.name "report"
  if self.windows then
    return ('cd /d "%%TEMP%%" && curl -q --config %s >%s'):format(config, report)
  end
  return ("curl -q --config %s >%s 2>/dev/null"):format(word(config), word(report))
end

--- A new file that this user alone can read. Most builds of Lua make it so; where not, the shell does.
function Curl:_private_file()
  local name = os.tmpname()
  if not self.files.exists(name) then
    self.execute("umask 077; set -C; : > " .. word(name))
  end
  return name
end

--- Temporary files of one call. On Windows the user's own folder keeps them from others.
function Curl:_desk()
  local names = {}
  local folder = self.windows and os.getenv "TEMP" .. "\\" or ""
  local unique = ("afterframe-%x-%s"):format(os.time(), tostring(names):match "%x+$")
  local desk = {}

  --- As curl is to find it: on Windows a plain name, because the command line cannot carry every path.
  function desk.name(what)
    names[what] = names[what] or (self.windows and unique .. "-" .. what or self:_private_file())
    return names[what]
  end
  function desk.put(what, content)
    local file = io.open(folder .. desk.name(what), "wb")
    return file and file:write(content) and file:close()
  end
  function desk.take(what)
    return self.files.read(folder .. desk.name(what))
  end
  function desk.clear()
    for _, name in pairs(names) do
      os.remove(folder .. name)
    end
  end
  return desk
end

return Curl

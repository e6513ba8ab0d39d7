--- The plugin's log, to be sent with a report. It says what was asked (route, status, duration) and which errors came
-- (code); it never contains the token, a photo's name or what a photo says.
local Log = {}
Log.__index = Log

local MOST_BYTES = 256 * 1024 -- then the older half goes
local POLLED = { ["/api/events"] = true } -- asked once a second: logged only when it fails

--- @param parts.dt darktable
-- @param parts.files the module of this name
-- @param parts.path the log file
function Log.new(parts)
  return setmetatable(parts, Log)
end

--- Write the versions of plugin and host.
function Log:begin(version)
  self.bytes = self:_shorten()
  local configuration = self.dt.configuration
  self:write("info", ("Afterframe plugin %s, %s, %s"):format(version, configuration.version, configuration.running_os))
end

--- Write one line, to darktable's own log too (darktable -d lua).
function Log:write(level, text)
  local line = ("%s %s %s\n"):format(os.date "!%Y-%m-%dT%H:%M:%SZ", level, text:match "^[^\r\n]*")
  self.dt.print_log("afterframe: " .. text)
  if not self.bytes or self.bytes + #line > MOST_BYTES then
    self.bytes = self:_shorten()
  end
  local file = io.open(self.path, "ab") -- its folder is not there when the plugin is not installed: then no log
  if file then
    file:write(line)
    file:close()
    self.bytes = self.bytes + #line
  end
end

--- @param request {route, post, status, seconds, code}; no status: nothing answered; code: of the problem, if any
function Log:request(request)
  local route = request.route:match "^[^?]*"
  if POLLED[route] and not request.code then
    return
  end
  local status = request.status and request.status > 0 and ("%d"):format(request.status) or "no answer"
  local code = request.code and " " .. request.code or ""
  local method = request.post and "POST" or "GET"
  local line = ("%s %s %s%s, %.2f s"):format(method, route, status, code, request.seconds or 0)
  self:write(request.code and "warn" or "info", line)
end

--- Keep the newer half of a log that is too long.
-- @return its bytes
function Log:_shorten()
  local content = self.files.read(self.path) or ""
  if #content <= MOST_BYTES // 2 then
    return #content
  end
  local newer = content:sub(-(MOST_BYTES // 2)):gsub("^[^\n]*\n", "", 1)
  self.files.write(self.path, newer)
  return #newer
end

return Log

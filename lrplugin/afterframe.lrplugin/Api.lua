-- The daemon's HTTP contract (docs/api.md). Every call has a time-out and returns `answer` or `nil, problem`;
-- a problem is { code, message, hint, status } in words for the photographer. Call it inside a task only.

local LrDate = import "LrDate"
local LrHttp = import "LrHttp"

local json = require "json"

local Log = require "Log"
local Paths = require "Paths"
local Settings = require "Settings"

local Api = {}
Api.__index = Api

Api.BATCH = 100 -- photos in one request: each is read before the answer comes
Api.IDS = 500
local QUICK_S, USUAL_S, READING_S, SENDING_S = 2, 30, 300, 300

function Api.connect()
  local address = Settings.address()
  local token, pasted = Settings.token(address)
  return setmetatable({ address = address, token = token, pasted = pasted }, Api)
end

-- Look again where the daemon answers: it may have been started anew at another port.
function Api:refresh()
  local now = Api.connect()
  self.address, self.token, self.pasted = now.address, now.token, now.pasted
end

local function unreachable(address, info)
  local code = info and info.error and info.error.errorCode or "unknown"
  if code == "timedOut" then
    return {
      code = "slow",
      message = LOC("$$$/Afterframe/Problem/Slow=Afterframe at ^1 did not respond in time.", address),
      hint = LOC "$$$/Afterframe/Problem/SlowHint=The computer may be busy. Try again.",
    }
  end
  return {
    code = "down",
    message = LOC("$$$/Afterframe/Problem/Down=Afterframe is not responding at ^1 (^2).", address, code),
    hint = LOC "$$$/Afterframe/Problem/DownHint=Start it in File > Plug-in Manager > Afterframe, or check the address.",
  }
end

local function refused(address, status, body)
  local answer = body and json.decode(body)
  local problem = type(answer) == "table" and answer.error
  if status == 401 then
    return {
      code = "token",
      status = status,
      message = LOC "$$$/Afterframe/Problem/Token=Afterframe does not accept the token.",
      hint = LOC(
        "$$$/Afterframe/Problem/TokenHint=Paste the token of the Afterframe at ^1 into the Plug-in Manager.",
        address
      ),
    }
  elseif type(problem) ~= "table" or type(problem.message) ~= "string" then
    return {
      code = "stranger",
      status = status,
      message = LOC("$$$/Afterframe/Problem/Stranger=The server at ^1 is not Afterframe (status ^2).", address, status),
      hint = LOC "$$$/Afterframe/Problem/StrangerHint=Check the address in the Plug-in Manager.",
    }
  end
  return { code = problem.code, status = status, message = problem.message, hint = problem.hint or "" }
end

function Api:headers(more)
  local headers = more or {}
  if self.token then
    headers[#headers + 1] = { field = "Authorization", value = "Bearer " .. self.token }
  end
  return headers
end

-- What LrHttp returned: the answer, its bytes if raw, or nil and a problem.
function Api:result(body, info, raw)
  local status = info and info.status
  if not status then
    return nil, unreachable(self.address, info)
  elseif status < 200 or status > 299 then
    return nil, refused(self.address, status, body)
  elseif raw then
    return body or ""
  end
  local answer = json.decode(body or "")
  if type(answer) ~= "table" then
    return nil, refused(self.address, status, nil)
  end
  return answer
end

-- Send a request by `send(url)`, judge what came back, and log it.
function Api:exchange(method, path, send, raw)
  local began = LrDate.currentTime()
  local body, info = send(self.address .. path)
  local answer, problem = self:result(body, info, raw)
  Log.request {
    method = method,
    path = path,
    status = info and info.status,
    code = problem and problem.code,
    seconds = LrDate.currentTime() - began,
  }
  return answer, problem
end

function Api:get(path, timeout)
  return self:exchange("GET", path, function(url)
    return LrHttp.get(url, self:headers(), timeout or USUAL_S)
  end)
end

function Api:post(path, content, timeout)
  local headers = self:headers { { field = "Content-Type", value = "application/json" } }
  return self:exchange("POST", path, function(url)
    return LrHttp.post(url, json.encode(content), headers, "POST", timeout or USUAL_S)
  end)
end

-- Whether it runs, and what it can do. Needs no token.
function Api:health()
  local answer, problem = self:get("/api/health", QUICK_S)
  if answer and answer.name ~= "afterframe" then
    return nil, refused(self.address, 200, nil)
  end
  return answer, problem
end

-- Whether it runs and accepts the token.
function Api:check()
  local health, problem = self:health()
  if not health then
    return nil, problem
  end
  local folders
  folders, problem = self:get("/api/folders", USUAL_S)
  return folders and { health = health, folders = folders.folders }, problem
end

-- Add what RenderRequest says to a request's content.
local function withRequest(request, content)
  content.recipe = next(request.recipe or {}) and request.recipe or nil
  content.generator = request.generator
  content.variants = request.variants
  return content
end

-- At most BATCH paths. The key makes it harmless to ask again when the answer got lost.
function Api:animate(paths, request, key)
  local content = withRequest(request, { photos = json.array(paths), idempotency_key = key })
  return self:post("/api/animate", content, READING_S)
end

-- Upload { file, name, folder }, and animate it: { path, new, renders }.
function Api:upload(upload, request)
  local parts = { { name = "file", filePath = upload.file, fileName = upload.name, contentType = "image/jpeg" } }
  local fields = withRequest(request, { folder = upload.folder, animate = true })
  for _, field in ipairs { "folder", "generator" } do
    if fields[field] then
      parts[#parts + 1] = { name = field, value = fields[field] }
    end
  end
  for _, field in ipairs { "animate", "recipe", "variants" } do
    if fields[field] ~= nil then
      parts[#parts + 1] = { name = field, value = json.encode(fields[field]) }
    end
  end
  return self:exchange("POST", "/api/uploads", function(url)
    return LrHttp.postMultipart(url, parts, self:headers(), SENDING_S)
  end)
end

-- At most BATCH paths: a list of { path, state, error, renders, clips }.
function Api:lookup(paths)
  local answer, problem = self:post("/api/photos/lookup", { paths = json.array(paths) })
  return answer and answer.photos, problem
end

function Api:recipe(path, overrides)
  local content = { photo = path, overrides = next(overrides) and overrides or nil }
  local answer, problem = self:post("/api/recipe", content)
  return answer and answer.recipe, problem
end

-- Events after a cursor; without one, the cursor of now.
function Api:events(since)
  return self:get(since and string.format("/api/events?since=%.0f", since) or "/api/events")
end

-- Stop renders, at most IDS; those that have ended are left as they are.
function Api:cancel(ids)
  return self:post("/api/renders/cancel", { renders = json.array(ids) })
end

function Api:cancelAll()
  return self:post("/api/queue", { cancel_all = true })
end

function Api:queue()
  return self:get "/api/queue"
end

function Api:setVerdict(id, verdict, rating)
  return self:post("/api/clips/" .. id .. "/verdict", { verdict = verdict, rating = rating })
end

-- The bytes of a clip's "file" or "sidecar".
function Api:fetch(id, what)
  return self:exchange("GET", "/api/clips/" .. id .. "/" .. what, function(url)
    return LrHttp.get(url, self:headers(), SENDING_S)
  end, true)
end

function Api:allowFolder(path)
  return self:post("/api/folders", { path = path, watch = false })
end

-- An address that lets the browser in, once. On this machine a private file leads to the link: the browser's
-- arguments are every user's to read.
function Api:loginUrl()
  local answer, problem = self:post("/api/login-code", { file = self:isHere() })
  if not answer then
    return nil, problem
  end
  return answer.file and answer.file ~= "" and answer.file or self.address .. answer.path
end

-- Whether the daemon is on this machine.
function Api:isHere()
  return Settings.isThisMachine(self.address)
end

-- The path that the daemon knows a file by; nil when it cannot see it.
function Api:daemonPath(path)
  local mapped, matched = Paths.toDaemon(path, Settings.mappings())
  return (matched or self:isHere()) and mapped or nil
end

return Api

-- The daemon's HTTP contract (docs/api.md). Every call has a time-out and returns `answer` or `nil, problem`;
-- a problem is { code, message, hint, status } in words for the photographer. Call it inside a task only.

local LrDate = import "LrDate"
local LrHttp = import "LrHttp"
local LrUUID = import "LrUUID"

local json = require "json"

local Log = require "Log"
local Paths = require "Paths"
local Problems = require "Problems"
local proof = require "proof"
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
  self.address, self.token, self.pasted, self.key = now.address, now.token, now.pasted, nil
end

-- The token itself is never sent: the key stands for it while this run of the daemon lasts.
function Api:headers(more)
  local headers = more or {}
  if self.key then
    headers[#headers + 1] = { field = "Authorization", value = "Bearer " .. self.key }
  end
  return headers
end

local function decoded(self, body, status)
  local answer = json.decode(body)
  if type(answer) ~= "table" then
    return nil, Problems.refused(self.address, status, nil)
  end
  return answer
end

local function raw(_, body)
  return body
end

-- What LrHttp returned, by `read(self, body, status)`: the answer, or nil and a problem.
function Api:result(body, info, read)
  local status = info and info.status
  if not status then
    return nil, Problems.unreachable(self.address, info)
  elseif status < 200 or status > 299 then
    return nil, Problems.refused(self.address, status, body)
  end
  return read(self, body or "", status)
end

-- Send a request by `send(url)`, judge what came back, and log it.
function Api:once(method, path, send, read)
  local began = LrDate.currentTime()
  local body, info = send(self.address .. path)
  local answer, problem = self:result(body, info, read)
  Log.request {
    method = method,
    path = path,
    status = info and info.status,
    code = problem and problem.code,
    seconds = LrDate.currentTime() - began,
  }
  if problem and Problems.GONE[problem.code] then
    self.key = nil -- the next who answers at this address must prove anew who it is
  end
  return answer, problem
end

-- Whether the daemon has proved that it is ours, or a problem. Without a token there is nothing to give away.
function Api:introduce()
  if not self.token or self.key then
    return true
  end
  local health, problem = self:health()
  return health ~= nil, problem
end

-- Send a request to the daemon, once it is known. It may have been started anew: then it wants another key.
function Api:exchange(method, path, send, read)
  local hadKey = self.key ~= nil
  local known, problem = self:introduce()
  if not known then
    return nil, problem
  end
  local answer
  answer, problem = self:once(method, path, send, read or decoded)
  if problem and problem.code == "token" and hadKey and self:introduce() then
    answer, problem = self:once(method, path, send, read or decoded)
  end
  return answer, problem
end

function Api:get(path, timeout)
  return self:exchange("GET", path, function(url)
    return LrHttp.get(url, self:headers(), timeout or USUAL_S)
  end)
end

function Api:post(path, content, timeout)
  return self:exchange("POST", path, function(url)
    local headers = self:headers { { field = "Content-Type", value = "application/json" } }
    return LrHttp.post(url, json.encode(content), headers, "POST", timeout or USUAL_S)
  end)
end

-- Whether it runs, and what it can do. Nothing secret is sent; where we have a token, the daemon proves that it has it
-- too, and gets the key from then on.
function Api:health()
  local challenge = self.token and proof.challenge(self.token, LrUUID.generateUUID())
  local path = "/api/health" .. (challenge and "?challenge=" .. challenge or "")
  return self:once("GET", path, function(url)
    return LrHttp.get(url, {}, QUICK_S)
  end, function(_, body, status)
    local answer, problem = decoded(self, body, status)
    if not answer or answer.name ~= "afterframe" then
      return nil, problem or Problems.refused(self.address, status, nil)
    end
    self.key = challenge and proof.key(self.token, challenge, answer)
    if challenge and not self.key then
      return nil, Problems.unproven(self.address, self.pasted)
    end
    return answer
  end)
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

local TYPES = { jpg = "image/jpeg", jpeg = "image/jpeg", png = "image/png", tif = "image/tiff", tiff = "image/tiff" }

-- Upload { file, name, folder }, and animate it: { path, new, renders }.
function Api:upload(upload, request)
  local _, suffix = Paths.stem(upload.name)
  local kind = TYPES[string.lower(suffix)] or "application/octet-stream"
  local parts = { { name = "file", filePath = upload.file, fileName = upload.name, contentType = kind } }
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
  end, raw)
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

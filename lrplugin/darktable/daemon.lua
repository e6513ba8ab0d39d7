--- Talks to Afterframe's daemon: where it answers, its token, questions and answers, and its names for paths.
local Daemon = {}
Daemon.__index = Daemon

local ANSWER_S = 20

local COULD_NOT_CONNECT, TIMED_OUT = 7, 28
local NOT_FOUND_BY_SHELL = { [127] = true, [9009] = true }

local NEVER_STARTED = {
  code = "never_started",
  message = "Afterframe has never been started on this computer.",
  hint = "Start it with “afterframe serve”, or set its address and token in the preferences (Lua options).",
}
local NOT_RUNNING = {
  code = "not_running",
  message = "Afterframe is not running.",
  hint = "Start it with “afterframe serve”.",
}
local SILENT = { code = "silent", message = "Afterframe is not responding.", hint = "Restart it." }
local NO_CURL = {
  code = "no_curl",
  message = "The program curl is missing.",
  hint = "Install it (on Debian and Ubuntu: apt install curl) and restart darktable.",
}
local SOMEBODY_ELSE = {
  code = "not_running",
  message = "Afterframe is not running; another program answers at its address.",
  hint = "Start it with “afterframe serve”.",
}
local WRONG_TOKEN = {
  code = "token",
  message = "Afterframe does not accept the token.",
  hint = "Check address and token in the preferences (Lua options).",
}
local NO_TEMPORARY_FILE = {
  code = "no_space",
  message = "Cannot write a temporary file.",
  hint = "Check the disk's free space.",
}
local STRANGER = {
  code = "stranger",
  message = "The server at this address is not Afterframe.",
  hint = "Check the address in the preferences (Lua options).",
}

--- @param parts.curl, parts.files, parts.json, parts.log, parts.proof as in the modules of these names
-- @param parts.setting reads a preference by its name
-- @param parts.homes folders in which Afterframe may keep its own files, likeliest first
function Daemon.new(parts)
  return setmetatable(parts, Daemon)
end

--- Where the daemon answers, and the token that it wants.
-- @return {url, token}; or nil and the problem
function Daemon:locate()
  local url, token = self.setting "address", self.setting "token"
  if url ~= "" then
    return { url = url:gsub("/+$", ""), token = token }
  end
  for _, home in ipairs(self.homes()) do
    local secret = self.files.read(self.files.join(home, "token"))
    if secret then
      local running = self.json.decode(self.files.read(self.files.join(home, "daemon.json")) or "")
      if type(running) ~= "table" or type(running.url) ~= "string" then
        return nil, NOT_RUNNING
      end
      return { url = running.url, token = secret:match("%S+") or "" }
    end
  end
  return nil, NEVER_STARTED
end

--- Whether it is the daemon of this computer, rather than one whose address was entered.
function Daemon:is_here()
  return self.setting "address" == ""
end

--- What curl's exit status means; nil when all went well. POSIX systems may give the raw wait status.
local function explained(status)
  status = status > 255 and status % 256 == 0 and status // 256 or status
  if status == 0 then
    return nil
  elseif NOT_FOUND_BY_SHELL[status] then
    return NO_CURL
  end
  return (status == COULD_NOT_CONNECT and NOT_RUNNING) or (status == TIMED_OUT and SILENT) or STRANGER
end

--- Ask for one thing.
-- @param route such as "/api/animate"
-- @param body a table for a POST; nil for a GET
-- @param answer_s how long the answer may take, seconds
-- @return what the daemon answered; or nil and the problem {code, message, hint}
function Daemon:ask(route, body, answer_s)
  local answers, problem = self:ask_all({ { route = route, body = body } }, answer_s)
  if not answers then
    return nil, problem
  end
  return answers[1].answer, answers[1].problem
end

--- Whether it runs, and what it can do. Nothing secret is sent; where we have a token, the daemon proves that it has
-- it too, and gets its key from then on.
-- @return what it says; or nil and the problem
function Daemon:health()
  local place, problem = self:locate()
  if not place then
    return nil, problem
  end
  return self:_prove(place)
end

-- Asks one place how it is. The key that its proof gives is good for this place alone.
function Daemon:_prove(place)
  self:forget()
  local route, challenge = "/api/health", nil
  if place.token ~= "" then
    self.asked = (self.asked or 0) + 1
    local unique = ("%d %d %.17g"):format(os.time(), self.asked, math.random())
    challenge = self.proof.challenge(place.token, unique)
    route = route .. "?challenge=" .. challenge
  end
  local answers, problem = self:_send(place, { { route = route } }, ANSWER_S, challenge)
  local first = answers and answers[1] or { problem = problem }
  if first.answer and challenge then
    self.key = { url = place.url, token = place.token, bearer = first.bearer }
  end
  return first.answer, first.problem
end

--- Whoever answers next must prove anew that it is our daemon.
function Daemon:forget()
  self.key = nil
end

--- What a place is sent in its token's stead: the key of the daemon's run, once it has proved that it is ours.
-- @return the key, nil when there is no token; or nil and the problem
function Daemon:_bearer(place)
  local key = self.key
  if place.token == "" then
    return nil
  elseif not key or key.url ~= place.url or key.token ~= place.token then
    local _, problem = self:_prove(place)
    if problem then
      return nil, problem
    end
    key = self.key
  end
  return key.bearer
end

--- Ask for many things at once, over one connection.
-- @param questions a list of {route, body}
-- @return a list of {answer} or {problem}, in the same order; or nil and the problem of all
function Daemon:ask_all(questions, answer_s)
  local had_key = self.key ~= nil
  for try = 1, 2 do
    local place, problem = self:locate()
    if not place then
      return nil, problem
    end
    place.bearer, problem = self:_bearer(place)
    if problem then
      return nil, problem
    end
    local answers
    answers, problem = self:_send(place, questions, answer_s or ANSWER_S)
    local refused = answers and answers[1].status == 401
    if not answers or refused then
      self:forget()
    end
    if not (refused and had_key and try == 1) then -- else it was started anew, and wants another key
      return answers, problem
    end
  end
end

--- Send questions to a place {url, bearer}.
-- @param challenge what /api/health was asked to prove; nil for all else
function Daemon:_send(place, questions, answer_s, challenge)
  local requests = {}
  for index, question in ipairs(questions) do
    local body = question.body and self.json.encode(question.body)
    requests[index] = { url = place.url .. question.route, bearer = place.bearer, body = body }
  end
  local status, responses = self.curl:send(requests, answer_s)
  if not status then
    return nil, NO_TEMPORARY_FILE
  end
  local failed, answers = explained(status), {}
  for index, response in ipairs(responses) do
    answers[index] = self:_understood(response.text)
    if challenge and answers[index].answer then
      answers[index] = self:_proven(place, challenge, answers[index].answer)
    end
    answers[index].status = response.status
    self:_log(questions[index], response, answers[index].problem, failed)
  end
  if failed and not answers[#answers].answer then
    return nil, failed
  end
  return answers
end

--- What a daemon said of its health, and the key of its run; a problem when it did not prove that it holds the token.
function Daemon:_proven(place, challenge, said)
  local bearer = self.proof.key(place.token, challenge, said)
  if said.name ~= "afterframe" then
    return { problem = STRANGER }
  elseif not bearer then
    return { problem = self:is_here() and SOMEBODY_ELSE or WRONG_TOKEN }
  end
  return { answer = said, bearer = bearer }
end

function Daemon:_log(question, response, problem, failed)
  if problem and (response.status or 0) == 0 then
    problem = failed or problem -- nothing answered: curl knows why
  end
  self.log:request {
    route = question.route,
    post = question.body ~= nil,
    status = response.status,
    seconds = response.seconds,
    code = problem and problem.code,
  }
end

function Daemon:_understood(text)
  local answer = text and text ~= "" and self.json.decode(text)
  if type(answer) ~= "table" then
    return { problem = text == "" and SILENT or STRANGER }
  elseif type(answer.error) == "table" and answer.error.message then
    return { problem = answer.error }
  end
  return { answer = answer }
end

--- "here = there; here = there": folders as this computer names them, and as the daemon's does.
local function mapped(path, mapping, from, to)
  local best
  for pair in mapping:gmatch("[^;]+") do
    local here, there = pair:match("^%s*(.-)%s*=%s*(.-)%s*$")
    local ends = { here = here, there = there }
    local prefix = ends[from]
    if prefix and prefix ~= "" and path:sub(1, #prefix) == prefix and (not best or #prefix > #best[from]) then
      local rest = path:sub(#prefix + 1)
      if rest == "" or rest:match("^[/\\]") or prefix:match("[/\\]$") then
        best = ends
      end
    end
  end
  if not best then
    return path
  end
  local separator = (best[to]:match "\\" or best[to]:match "^%a:") and "\\" or "/"
  return best[to] .. path:sub(#best[from] + 1):gsub("[/\\]", separator)
end

--- How the daemon's computer names a path of this one.
function Daemon:there(path)
  return mapped(path, self.setting "folders", "here", "there")
end

--- The reverse of there.
function Daemon:here(path)
  return mapped(path, self.setting "folders", "there", "here")
end

return Daemon

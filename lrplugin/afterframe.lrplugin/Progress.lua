-- Follow renders until they have ended, by the daemon's events: one small request a second for thousands of photos.

local LrDate = import "LrDate"
local LrTasks = import "LrTasks"

local Api = require "Api"
local Paths = require "Paths"

local Progress = {}

Progress.FROM = 0.1 -- the part of the progress bar that handing over has filled
local POLL_S = 1
local QUIET_S, QUIET_POLL_S = 30, 3 -- after so long without an event, ask less often
local AWAY_S = 60 -- the daemon may be restarted this long
local STALL_S = 900 -- nothing at all happens this long
local SHOWN_AFTER_S = 5
local FULL = 500 -- events in one answer: there are more
local ENDED = { done = true, failed = true, cancelled = true }

local function minutes(seconds)
  if seconds < 90 then
    return LOC("$$$/Afterframe/Progress/Seconds=about ^1 s left", math.ceil(seconds / 5) * 5)
  end
  return LOC("$$$/Afterframe/Progress/Minutes=about ^1 min left", math.ceil(seconds / 60))
end

local Run = {}
Run.__index = Run

function Run:put(id, state, progress, problem)
  local render = self.renders[id]
  if not render or ENDED[render.state] then
    return
  end
  render.state, render.progress, render.problem = state, progress or 0, problem
  if ENDED[state] then
    self.ended = self.ended + 1
  end
end

function Run:pending()
  local ids = {}
  for id, render in pairs(self.renders) do
    if not ENDED[render.state] then
      ids[#ids + 1] = id
    end
  end
  return ids
end

function Run:show(now)
  local going = 0
  for _, id in ipairs(self:pending()) do
    going = going + (self.renders[id].progress or 0)
  end
  local share = (self.ended + going) / math.max(1, self.total)
  self.scope:setPortionComplete(Progress.FROM + (1 - Progress.FROM) * share)
  local caption = LOC("$$$/Afterframe/Progress/Count=^1 of ^2", self.ended, self.total)
  local spent = now - self.began
  if self.away then
    caption = LOC("$$$/Afterframe/Progress/Away=^1; Afterframe is not responding, waiting…", caption)
  elseif next(self.held) then
    local _, why = next(self.held)
    caption = LOC("$$$/Afterframe/Progress/Held=^1; waiting: ^2", caption, why)
  elseif self.paused then
    caption = LOC("$$$/Afterframe/Progress/Paused=^1; the queue is paused", caption)
  elseif spent > SHOWN_AFTER_S and share > 0.02 and share < 1 then
    caption = caption .. ", " .. minutes(spent / share * (1 - share))
  end
  self.scope:setCaption(caption)
end

-- Events were missed (the daemon keeps a limited number): ask for each photo anew.
function Run:lookUp()
  local paths = {}
  for _, id in ipairs(self:pending()) do
    paths[self.renders[id].path] = true
  end
  local batch = {}
  for path in pairs(paths) do
    batch[#batch + 1] = path
    if #batch == Api.BATCH then
      self:lookUpBatch(batch)
      batch = {}
    end
  end
  self:lookUpBatch(batch)
end

function Run:lookUpBatch(paths)
  for _, entry in ipairs(#paths > 0 and self.api:lookup(paths) or {}) do
    for _, render in ipairs(entry.renders) do
      self:put(render.id, render.state, render.progress, render.error)
    end
  end
end

-- Read what happened; whether the daemon answered. The second result says that there is more at once.
function Run:read(now)
  local answer = self.api:events(self.cursor)
  if not answer or type(answer.events) ~= "table" then -- nobody, or a stranger who took a dead daemon's address
    self.away = self.away or now
    self.api:refresh()
    return false
  end
  self.away = nil
  self.cursor = answer.cursor
  if answer.reset then
    self:lookUp()
  end
  for _, event in ipairs(answer.events) do
    self.sign = now
    if event.kind == "render" then
      self:put(event.id, event.state, event.progress, event.error)
    elseif event.kind == "queue" and event.paused ~= nil then
      self.paused = event.paused
    elseif event.kind == "folders" and event.path then -- a folder cannot be used for now, or again
      self.held[event.path] = type(event.error) == "table" and event.error.message or nil
    end
  end
  return true, #answer.events >= FULL
end

-- Folders of these photos that could not be used already before; what comes later is in the events.
function Run:findHeld()
  local queue = self.api:queue()
  for _, folder in ipairs(queue and queue.held_folders or {}) do
    for _, render in pairs(self.renders) do
      if Paths.isBelow(render.path, folder.path) then
        self.held[folder.path] = folder.error.message
      end
    end
  end
end

function Run:cancel()
  local ids = self:pending()
  for first = 1, #ids, Api.IDS do
    self.api:cancel { unpack(ids, first, math.min(first + Api.IDS - 1, #ids)) }
  end
end

-- Whether to go on waiting.
function Run:patient(now)
  if self.away then
    return now - self.away < AWAY_S
  end
  return self.paused or next(self.held) ~= nil or now - self.sign < STALL_S
end

-- Wait as the renders go on, until all have ended, or until there is no hope.
function Run:wait(now)
  local cancelled = false
  while self.ended < self.total do
    local answered, more = self:read(now)
    if self.ended >= self.total then
      break
    elseif self.scope:isCanceled() and not answered then
      return "away"
    elseif self.scope:isCanceled() and not cancelled then
      self:cancel()
      cancelled = true
    end
    if not self:patient(now) then
      return self.away and "away" or "stalled"
    end
    self:show(now)
    if not more then
      LrTasks.sleep(now - self.sign > QUIET_S and QUIET_POLL_S or POLL_S)
    end
    now = LrDate.currentTime()
  end
  self:show(now)
  return cancelled and "cancelled" or "ended"
end

-- Wait until every render has ended, the user cancels, or there is no hope.
-- renders: id -> { path, state }; each gets .state, .progress and .problem as the daemon reports them.
-- from: { cursor, paused } - where the daemon's events begin, and whether its queue is paused.
-- Returns "ended", "cancelled", "away" (the daemon does not answer) or "stalled".
function Progress.follow(api, renders, scope, from)
  local now = LrDate.currentTime()
  local run = setmetatable({
    api = api,
    renders = {},
    held = {},
    cursor = from.cursor,
    scope = scope,
    paused = from.paused,
  }, Run)
  run.began, run.sign, run.ended, run.total = now, now, 0, 0
  for id, render in pairs(renders) do
    run.renders[id] = render
    run.total = run.total + 1
    run.ended = run.ended + (ENDED[render.state] and 1 or 0)
  end
  if run.ended < run.total then
    run:findHeld()
  end
  return run:wait(now)
end

return Progress

--- Renders: submitted, followed until their clips are beside their photos, cancelled.
local Renders = {}
Renders.__index = Renders

local CANCELLED_AT_ONCE = 200
local TICK_MS = 1000
local POLL_S, POLL_WINDOWS_S = 1, 7 -- on Windows each question flashes a console (darktable#17193)
local ESTIMATE_AFTER_S = 3
local GIVE_UP_AFTER_S = 60 -- that the daemon has not answered

--- @param parts.dt darktable
-- @param parts.daemon, parts.log, parts.photos, parts.problems, parts.submit as in the modules of these names
-- @param parts.tag tags an image with its state
-- @param parts.tell shows one line to the photographer
-- @param parts.changed is given what the panel is to show, nil when all is done
-- @param parts.windows whether this is Windows
function Renders.new(parts)
  return setmetatable(parts, Renders)
end

--- Whether a render has ended, and what came of it is known.
local function ended(render)
  if render.state == "done" then
    return render.clip ~= nil
  elseif render.state == "failed" then
    return render.error ~= nil
  end
  return render.state == "cancelled"
end

local function count(number, what)
  return number .. " " .. what .. (number == 1 and "" or "s")
end

--- Ask for clips, and follow them. Returns when all have ended.
-- @param items a list of {image, path}
-- @param overrides the recipe's settings that the photographer chose
function Renders:run(items, overrides)
  local now, problem = self.daemon:ask "/api/events"
  if not now then
    self.tell(self.problems.summary { problem })
    return
  end
  local batch = { items = items, by_render = {}, by_path = {}, held = {}, problems = {}, clips = 0 }
  batch.cursor = now.cursor
  local job = self.dt.gui.create_job("Afterframe: " .. count(#items, "photo"), true, function()
    batch.cancelled = true
  end)
  local ok, why = pcall(function()
    self.submit:run(batch, overrides)
    batch.started = os.time()
    self:_find_held(batch)
    self:_follow(batch, job)
  end)
  if self.dt.control.ending then
    return -- its window is gone, and to touch it would hang darktable; renders go on, “refresh” fetches the clips
  end
  job.valid = false
  if not ok then
    batch.problems[#batch.problems + 1] = self:_unexpected(why)
  end
  self:_report(batch)
  self.changed()
end

--- Folders of the batch that could not be used already before; what comes later is in the events.
function Renders:_find_held(batch)
  local queue = self.daemon:ask "/api/queue"
  for _, folder in ipairs(queue and queue.held_folders or {}) do
    for path in pairs(batch.by_path) do
      if path:sub(1, #folder.path) == folder.path and path:sub(#folder.path + 1):match "^[/\\]" then
        batch.held[folder.path] = folder.error.message
      end
    end
  end
end

--- Wait until it is time to ask again; a cancel is not kept waiting.
function Renders:_pause(batch)
  for _ = 1, self.windows and POLL_WINDOWS_S or POLL_S do
    if self.dt.control.ending or batch.cancelled and not batch.cancel_sent then
      return
    end
    self.dt.control.sleep(TICK_MS)
  end
end

function Renders:_follow(batch, job)
  local silent_s = 0
  while not self.dt.control.ending do
    if batch.cancelled and not batch.cancel_sent then
      batch.cancel_sent = self:_cancel(batch)
    end
    if not self:_settle(batch, job) then
      return
    end
    self:_pause(batch)
    local news, problem = self.daemon:ask("/api/events?since=" .. batch.cursor)
    if news and type(news.events) ~= "table" then -- a stranger who took a dead daemon's address
      self.daemon:forget()
      news, problem = nil, { code = "stranger", message = "Another program answers for Afterframe.", hint = "" }
    end
    silent_s = news and 0 or silent_s + (self.windows and POLL_WINDOWS_S or POLL_S)
    if silent_s >= GIVE_UP_AFTER_S then
      batch.problems[#batch.problems + 1] = problem
      return
    elseif news then
      batch.cursor = news.cursor
      self:_read(batch, news)
    end
  end
end

function Renders:_read(batch, news)
  for _, event in ipairs(news.events) do
    local item = event.kind == "render" and batch.by_render[event.id]
    if item then
      local render = item.renders[event.id]
      render.state, render.progress = event.state, event.progress
    elseif event.kind == "folders" and event.path then -- a folder cannot be used for now, or again
      batch.held[event.path] = type(event.error) == "table" and event.error.message or nil
    end
  end
  if news.reset then
    self:_fetch(batch, function(render)
      return not ended(render)
    end)
  end
end

--- Ask for whole renders anew; an event does not say which clip came of it, or why there is none.
function Renders:_fetch(batch, wanted)
  local questions = {}
  for _, item in ipairs(batch.items) do
    for id, render in pairs(item.renders or {}) do
      if wanted(render) then
        questions[#questions + 1] = { route = "/api/renders/" .. id }
      end
    end
  end
  local answers = questions[1] and self.daemon:ask_all(questions) or {}
  for _, got in ipairs(answers) do
    if got.answer then
      batch.by_render[got.answer.id].renders[got.answer.id] = got.answer
    end
  end
end

--- Import the clips of what has ended, and show how far the rest is.
-- @return whether anything is still under way
function Renders:_settle(batch, job)
  self:_fetch(batch, function(render)
    return not ended(render) and (render.state == "done" or render.state == "failed")
  end)
  local sum, open = 0, 0
  for _, item in ipairs(batch.items) do
    local progress, renders, waits = 0, 0, false
    for _, render in pairs(item.renders or {}) do
      renders = renders + 1
      progress = progress + (ended(render) and 1 or render.progress)
      waits = waits or not ended(render)
    end
    sum = sum + (renders > 0 and progress / renders or 1)
    if renders > 0 and not waits and not item.imported then
      item.imported = true
      self:_import(batch, item)
    end
    open = open + (waits and 1 or 0)
  end
  local share = math.min(1, sum / #batch.items)
  job.percent = share
  if open > 0 then
    local passed_s = os.time() - batch.started
    local left_s = share > 0 and passed_s >= ESTIMATE_AFTER_S and passed_s / share - passed_s or 0
    local said = self.progress(#batch.items - open, #batch.items, left_s)
    local _, why = next(batch.held)
    self.changed(why and said .. "\nWaiting: " .. why or said)
  end
  return open > 0
end

--- "3 of 12 photos, about 2 min left".
function Renders.progress(done, all, left_s)
  local said = ("%d of %s"):format(done, count(all, "photo"))
  if left_s >= 90 then
    return said .. (", about %d min left"):format(math.floor(left_s / 60 + 0.5))
  elseif left_s > 0 then
    return said .. (", about %d s left"):format(math.max(1, math.floor(left_s + 0.5)))
  end
  return said
end

function Renders:_import(batch, item)
  local state = "cancelled"
  for _, render in pairs(item.renders) do
    if render.state == "done" then
      state = "done"
      batch.clips = batch.clips + 1
      local ok, imported, problem = pcall(self.photos.import_poster, self.photos, item.image, render.clip)
      if not (ok and imported) then
        batch.problems[#batch.problems + 1] = ok and problem or self:_unexpected(imported)
      end
    elseif render.state == "failed" then
      state = state == "done" and state or "failed"
      batch.problems[#batch.problems + 1] = render.error
    end
  end
  self.tag(item.image, state)
end

function Renders:_unexpected(why)
  self.dt.print_error("afterframe: " .. tostring(why))
  self.log:write("error", tostring(why))
  return {
    code = "unexpected",
    message = "Something went wrong inside darktable (" .. tostring(why):match("[^\n]*") .. ").",
    hint = "Finished clips are beside their photos; “refresh” imports them.",
  }
end

--- @return whether the daemon was reached
function Renders:_cancel(batch)
  local ids = {}
  for id, item in pairs(batch.by_render) do
    if not ended(item.renders[id]) then
      ids[#ids + 1] = id
    end
  end
  for first = 1, #ids, CANCELLED_AT_ONCE do
    local some = table.move(ids, first, math.min(first + CANCELLED_AT_ONCE - 1, #ids), 1, {})
    if not self.daemon:ask("/api/renders/cancel", { renders = some }) then
      return false
    end
  end
  return true
end

function Renders:_report(batch)
  for _, problem in ipairs(batch.problems) do
    self.log:write("warn", "photo: " .. problem.code)
  end
  local said = count(batch.clips, "clip") .. (batch.clips == 1 and " is ready." or " are ready.")
  if batch.clips == 0 then
    said = "No clip was made."
  end
  if batch.cancelled then
    said = said .. " The rest was cancelled."
  end
  if batch.problems[1] then
    said = said .. "\n" .. self.problems.summary(batch.problems)
  end
  self.tell(said)
end

return Renders

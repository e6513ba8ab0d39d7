-- From a selection to clips: sort, submit, follow, write to the catalog, import, and report.

local LrProgressScope = import "LrProgressScope"

local Api = require "Api"
local Clips = require "Clips"
local Daemon = require "Daemon"
local Folders = require "Folders"
local PhotoMetadata = require "PhotoMetadata"
local Progress = require "Progress"
local Results = require "Results"
local Selection = require "Selection"
local Submit = require "Submit"
local Summary = require "Summary"

local Animate = {}

local function title()
  return LOC "$$$/Afterframe/Animate/Title=Animate with Afterframe"
end

-- The first part of the progress bar: submitting so many photos.
local Submitting = {}
Submitting.__index = Submitting

function Submitting.new(scope, total)
  return setmetatable({ scope = scope, total = math.max(1, total), done = 0 }, Submitting)
end

-- So many photos are under way; whether to go on.
function Submitting:tick(count)
  if not self.rendering then -- Lightroom itself moves the bar then
    self.scope:setPortionComplete(Progress.FROM * self.done / self.total)
  end
  self.scope:setCaption(LOC("$$$/Afterframe/Progress/Submitting=Submitting ^1 of ^2", self.done, self.total))
  self.done = self.done + count
  return not self.scope:isCanceled()
end

-- The part of the bar that Lightroom fills while it renders the next photos. The results of `work(part)`.
function Submitting:render(context, count, work)
  local part = LrProgressScope {
    parent = self.scope,
    parentEndRange = math.min(1, Progress.FROM * (self.done + count) / self.total),
    functionContext = context,
  }
  self.rendering = true
  local ended, problem = work(part)
  self.rendering = false
  part:done()
  return ended, problem
end

local function daemonGone()
  return {
    code = "away",
    message = LOC "$$$/Afterframe/Problem/Away=Afterframe stopped responding.",
    hint = LOC "$$$/Afterframe/Problem/AwayHint=Queued photos continue when it runs again.",
  }
end

-- Follow submitted items to their end, write what became of them, and import their clips.
-- how: { cursor, paused, import } - where the daemon's events begin, whether its queue is paused, whether to import.
function Animate.finish(api, items, scope, summary, how)
  Results.writeQueued(items, summary)
  local renders = Results.renders(items)
  local ending = Progress.follow(api, renders, scope, how)
  Results.count(items, renders, summary)
  if ending == "away" then
    summary:add("away", nil, daemonGone())
    return
  end
  summary.hasProblems = summary.hasProblems or ending == "stalled"
  scope:setCaption(LOC "$$$/Afterframe/Progress/Updating=Updating the catalog")
  local submitted = {}
  for _, item in ipairs(items) do
    if item.renders then
      item.fetched = item.fetched or {}
      submitted[#submitted + 1] = item
    end
  end
  local problem = PhotoMetadata.lookUp(api, submitted)
  if problem then
    summary:add("failed", nil, problem)
  end
  if how.import and ending ~= "cancelled" then
    Clips.import(api, submitted, summary)
  end
  Results.write(api, items, summary)
end

local function submit(context, prepared, request, scope)
  local api, sorted = prepared.api, prepared.sorted
  local progress = Submitting.new(scope, #prepared.items)
  local problem = Submit.files(api, sorted.asIs, request, progress)
  if not problem and not scope:isCanceled() then
    problem = Submit.renditions(context, api, sorted.toRender, request, progress)
  end
  for _, item in ipairs(prepared.items) do
    if not item.renders and not item.reason then
      item.reason, item.problem = problem and "unsent" or "cancelled", problem
    end
  end
end

-- Everything before the first question: { api, state, sorted, items }; nil when the daemon cannot be reached.
function Animate.prepare(photos)
  local api = Api.connect()
  local state = Daemon.reach(api)
  if not state then
    return nil
  end
  local sorted, items = Selection.sort(photos), {}
  for _, list in ipairs { sorted.asIs, sorted.toRender } do
    for _, item in ipairs(list) do
      item.fetched = {}
      items[#items + 1] = item
    end
  end
  Folders.ask(api, items, state.folders)
  return { api = api, state = state, sorted = sorted, items = items }
end

-- Animate what was prepared. importClips: add the clips to the catalog when they are done.
function Animate.run(context, prepared, request, importClips)
  local api, summary = prepared.api, Summary.new()
  for _, item in ipairs(prepared.sorted.excluded) do
    summary:add(item.reason, item.path)
  end
  local scope = LrProgressScope { title = title(), functionContext = context }
  scope:setCancelable(true)
  local start = api:events()
  submit(context, prepared, request, scope)
  local how = { cursor = start and start.cursor, paused = prepared.state.health.paused, import = importClips }
  Animate.finish(api, prepared.items, scope, summary, how)
  scope:done()
  summary:show(title())
end

return Animate

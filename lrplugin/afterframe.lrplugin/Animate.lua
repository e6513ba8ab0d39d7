-- From a selection to clips: sort, hand over, follow, note in the catalogue, import, and say what became of each.

local LrDialogs = import "LrDialogs"
local LrProgressScope = import "LrProgressScope"

local Api = require "Api"
local Catalog = require "Catalog"
local Clips = require "Clips"
local Daemon = require "Daemon"
local Follow = require "Follow"
local Handover = require "Handover"
local json = require "json"
local Marks = require "Marks"
local Paths = require "Paths"
local Settings = require "Settings"
local Summary = require "Summary"

local Animate = {}

local function title()
  return LOC "$$$/Afterframe/Animate/Title=Animate with Afterframe"
end

-- Folders are named to the photographer before the daemon may read them.
function Animate.openFolders(api, items, known)
  local closed = Handover.closedFolders(api, items, known)
  if #closed == 0 then
    return
  end
  local list = table.concat({ unpack(closed, 1, 8) }, "\n") .. (#closed > 8 and "\n…" or "")
  local answer = LrDialogs.confirm(
    LOC "$$$/Afterframe/Folders/Ask=May Afterframe use these folders?",
    list .. "\n\n" .. LOC "$$$/Afterframe/Folders/Info=It reads photos there when you ask, and puts clips beside them.",
    LOC "$$$/Afterframe/Folders/Allow=Allow",
    LOC "$$$/Afterframe/Folders/Deny=Leave them out"
  )
  for _, folder in ipairs(answer == "ok" and closed or {}) do
    api:allowFolder(folder)
  end
end

-- Ticks for the first part of a progress bar: handing over.
local function ticker(scope, total)
  local done = 0
  return function(item, count)
    scope:setPortionComplete(Follow.FROM * done / math.max(1, total))
    scope:setCaption(LOC("$$$/Afterframe/Progress/Sending=Handing over ^1 of ^2", done, total))
    done = done + (item and count or 0)
    return not scope:isCanceled()
  end
end

-- The renders of items: id -> { path, state, progress, problem }.
local function rendersOf(items)
  local renders = {}
  for _, item in ipairs(items) do
    for _, render in ipairs(item.renders or {}) do
      local followed = { path = item.there, state = render.state, progress = render.progress }
      followed.problem = render.error
      renders[render.id] = followed
    end
  end
  return renders
end

-- What became of an item whose renders were followed: "done", "failed", "cancelled" or "going"; and the problem.
local function outcome(item, renders)
  local found, problem = {}, nil
  for _, render in ipairs(item.renders) do
    local followed = renders[render.id]
    found[followed.state] = true
    problem = problem or followed.state == "failed" and followed.problem or nil
  end
  if found.queued or found.running or found.publishing then
    return "going"
  end
  return found.done and "done" or found.failed and "failed" or "cancelled", problem
end

local function record(items, renders, summary)
  for _, item in ipairs(items) do
    if item.renders then
      local what, problem = outcome(item, renders)
      summary:add(what, item.path, what == "failed" and problem or nil)
    elseif item.reason then
      summary:add(item.reason, item.path, item.problem)
    end
  end
end

-- Write the fields of items that the daemon has told about.
function Animate.note(api, items, summary)
  local marks = {}
  for _, item in ipairs(items) do
    local stillWaits = item.status == "waiting" and item.reason ~= "refused"
    local values = item.entry and not stillWaits and Marks.values(item.entry, Clips.newestHere(api, item), api.address)
    if item.problem and not item.renders and not stillWaits then
      values = { status = "failed", error = Marks.explain(item.problem) }
    end
    if values then
      values.handed = item.handed and item.there or ""
      values.fetched = Clips.fetchedField(item)
      values.wish = ""
      marks[#marks + 1] = { photo = item.photo, values = values }
    end
  end
  summary:count("unwritten", Catalog.mark(marks))
end

-- Note which photos are under way, so that “Import finished clips” and “Status” find them whatever happens now.
local function noteQueued(items, summary)
  local marks = {}
  for _, item in ipairs(items) do
    if item.renders then
      local values = { status = "queued", handed = item.handed and item.there or "", error = "", wish = "" }
      marks[#marks + 1] = { photo = item.photo, values = values }
    end
  end
  summary:count("unwritten", Catalog.mark(marks))
end

-- Follow handed-over items to their end and put everything in place.
function Animate.finish(api, items, cursor, scope, paused, summary, importThem)
  noteQueued(items, summary)
  local renders = rendersOf(items)
  local how = Follow.run(api, renders, cursor, scope, paused)
  record(items, renders, summary)
  if how == "away" then
    summary:add("away", nil, {
      code = "away",
      message = LOC "$$$/Afterframe/Problem/Away=Afterframe stopped answering.",
      hint = LOC "$$$/Afterframe/Problem/AwayHint=What was queued goes on when it runs again.",
    })
    return
  elseif how == "stalled" then
    summary.bad = true
  end
  scope:setCaption(LOC "$$$/Afterframe/Progress/Noting=Noting in the catalogue")
  local sent = {}
  for _, item in ipairs(items) do
    if item.renders then
      item.fetched = item.fetched or {}
      sent[#sent + 1] = item
    end
  end
  local problem = Marks.lookUp(api, sent)
  if problem then
    summary:add("failed", nil, problem)
  end
  if importThem and how ~= "cancelled" then
    Clips.import(api, sent, summary)
  end
  Animate.note(api, items, summary)
end

local function handOver(context, api, sorted, wish, scope)
  local total = #sorted.asIs + #sorted.rendered
  local tick = ticker(scope, total)
  local problem = Handover.files(api, sorted.asIs, wish, tick)
  if not problem and not scope:isCanceled() then
    problem = Handover.renditions(context, api, sorted.rendered, wish, tick)
  end
  for _, list in ipairs { sorted.asIs, sorted.rendered } do
    for _, item in ipairs(list) do
      if not item.renders and not item.reason then
        item.reason, item.problem = problem and "unsent" or "cancelled", problem
      end
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
  local sorted, items = Catalog.sort(photos), {}
  for _, list in ipairs { sorted.asIs, sorted.rendered } do
    for _, item in ipairs(list) do
      item.fetched = {}
      items[#items + 1] = item
    end
  end
  Animate.openFolders(api, items, state.folders)
  return { api = api, state = state, sorted = sorted, items = items }
end

-- Animate what was prepared. wish: { recipe, generator, variants }; importThem: add the clips when they are done.
function Animate.run(context, prepared, wish, importThem)
  local api, summary = prepared.api, Summary.new()
  for _, item in ipairs(prepared.sorted.left) do
    summary:add(item.reason, item.path)
  end
  local scope = LrProgressScope { title = title(), functionContext = context }
  scope:setCancelable(true)
  local start = api:events()
  handOver(context, api, prepared.sorted, wish, scope)
  local cursor, paused = start and start.cursor, prepared.state.health.paused
  Animate.finish(api, prepared.items, cursor, scope, paused, summary, importThem)
  scope:done()
  summary:show(title())
end

-- Photos that were exported while the daemon did not run: hand them over now. Items come from Marks.items.
function Animate.sendWaiting(api, items, summary, folders)
  local waiting, byWish = {}, {}
  for _, item in ipairs(items) do
    if item.status == "waiting" and item.there then
      item.file = Paths.toHere(item.there, Settings.mappings())
      waiting[#waiting + 1] = item
      local key = json.encode(item.wish or {})
      byWish[key] = byWish[key] or {}
      table.insert(byWish[key], item)
    end
  end
  Animate.openFolders(api, waiting, folders)
  for _, list in pairs(byWish) do
    Handover.files(api, list, list[1].wish or {}, function()
      return true
    end)
  end
  for _, item in ipairs(waiting) do
    if item.renders then
      item.status = "queued"
    else
      summary:add(item.reason, item.path, item.problem)
    end
  end
  noteQueued(waiting, summary)
end

-- What the dialog's last values ask for.
function Animate.wish(values)
  local recipe = {}
  if string.find(values.prompt or "", "%S") then
    recipe.prompt = values.prompt
  end
  recipe.motion_intensity = values.motionOn and values.motion or nil
  recipe.duration_s = values.durationOn and values.duration or nil
  recipe.camera_movement = values.camera ~= Settings.AUTO and values.camera or nil
  return {
    recipe = recipe,
    generator = values.generator ~= Settings.AUTO and values.generator or nil,
    variants = values.variants > 1 and values.variants or nil,
  }
end

return Animate

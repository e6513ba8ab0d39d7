-- Submit photos to the daemon: by path where it sees the file, else by uploading; as they are, or as a rendition.
-- An item is { photo, path }; it gets .daemonPath (the file as the daemon spells it) and .renders (a list), or .reason
-- with .problem when it was left out.

local LrFileUtils = import "LrFileUtils"
local LrPathUtils = import "LrPathUtils"
local LrTasks = import "LrTasks"
local LrUUID = import "LrUUID"

local Api = require "Api"
local Paths = require "Paths"
local Renditions = require "Renditions"
local Settings = require "Settings"

local Submit = {}

local RENDERED_AT_ONCE = 20
local RETRY_S = 2
local FATAL = { token = true, down = true, stranger = true, unknown_host = true }
local UNCERTAIN = { slow = true, down = true, lost = true } -- the request may have arrived

local function leaveOut(items, reason, problem)
  for _, item in ipairs(items) do
    if not item.renders then
      item.reason, item.problem = reason, problem
    end
  end
end

local function accept(item, daemonPath, renders)
  item.daemonPath, item.renders, item.reason, item.problem = daemonPath, renders, nil, nil
end

-- Ask once more with the same key when the answer got lost: nothing is animated twice.
local function animate(api, paths, request)
  local key = LrUUID.generateUUID()
  local answer, problem = api:animate(paths, request, key)
  if not answer and UNCERTAIN[problem.code] then
    LrTasks.sleep(RETRY_S)
    answer, problem = api:animate(paths, request, key)
  end
  return answer, problem
end

local function refuse(api, item, problem, unseen)
  if not api:isHere() and (problem.code == "missing" or problem.code == "not_allowed") then
    unseen[#unseen + 1] = item
  elseif problem.code == "not_allowed" then
    item.reason = "outside"
  else
    item.reason, item.problem = "refused", problem
  end
end

-- One batch by path. Those that the daemon cannot find on its disks go to `unseen`.
local function submitBatch(api, batch, request, unseen)
  local paths, byPath = {}, {}
  for index, item in ipairs(batch) do
    paths[index] = item.daemonPath
    byPath[item.daemonPath] = item
  end
  local answer, problem = animate(api, paths, request)
  if not answer then
    leaveOut(batch, "unsent", problem)
    return problem
  end
  for _, render in ipairs(answer.renders) do
    local item = byPath[render.photo]
    accept(item, item.daemonPath, item.renders or {})
    item.renders[#item.renders + 1] = render
  end
  for _, refusal in ipairs(answer.refused) do
    refuse(api, byPath[refusal.path], refusal.reason, unseen)
  end
end

-- Upload one file of an item. upload: { file, name, folder }. A problem that ends the whole, or nil.
local function uploadFile(api, item, upload, request)
  local answer, problem = api:upload(upload, request)
  if answer then
    accept(item, answer.path, answer.renders)
    item.handed = true
    return nil
  end
  local fatal = FATAL[problem.code]
  item.reason, item.problem = fatal and "unsent" or "refused", problem
  return fatal and problem or nil
end

local function uploadFolder()
  local folder = Settings.prefs().uploadFolder
  return folder ~= "" and folder or nil
end

-- Upload files that the daemon cannot see.
local function uploadAll(api, items, request, progress)
  for _, item in ipairs(items) do
    if not progress:tick(1) then
      leaveOut(items, "cancelled")
      return nil
    end
    local file = item.file or item.path
    local _, name = Paths.split(file)
    local problem = uploadFile(api, item, { file = file, name = name, folder = uploadFolder() }, request)
    if problem then
      leaveOut(items, "unsent", problem)
      return problem
    end
  end
end

-- For callers that show no progress.
Submit.UNSEEN = {
  tick = function()
    return true
  end,
}

-- Submit files as they are. `progress:tick(count)` is called as it goes and says whether to go on.
-- Returns a problem that ends the whole, or nil.
function Submit.files(api, items, request, progress)
  local seen, unseen = {}, {}
  for _, item in ipairs(items) do
    item.daemonPath = api:daemonPath(item.file or item.path)
    local list = item.daemonPath and seen or unseen
    list[#list + 1] = item
  end
  for first = 1, #seen, Api.BATCH do
    local batch = { unpack(seen, first, math.min(first + Api.BATCH - 1, #seen)) }
    if not progress:tick(#batch) then
      leaveOut(seen, "cancelled")
      return nil
    end
    local problem = submitBatch(api, batch, request, unseen)
    if problem and FATAL[problem.code] then
      leaveOut(items, "unsent", problem)
      return problem
    end
  end
  return uploadAll(api, unseen, request, progress)
end

-- A rendition goes to its photo's own folder where there is one that the daemon sees, else to the folder for uploads.
local function uploadRendition(api, item, file, request)
  local folder, leaf = Paths.split(item.path)
  local name = Paths.stem(leaf) .. Renditions.SUFFIX .. ".jpg"
  folder = not item.homeless and api:daemonPath(folder) or uploadFolder()
  local problem = uploadFile(api, item, { file = file, name = name, folder = folder }, request)
  LrFileUtils.delete(file)
  return problem
end

-- Submit one rendition; whether to go on, and a problem unless the user cancelled.
local function submitRendition(api, item, rendition, request, progress)
  local file, unrendered = Renditions.wait(rendition)
  if unrendered then
    item.reason, item.problem = "refused", unrendered
  elseif not progress:tick(1) then
    return false
  else
    local problem = uploadRendition(api, item, file, request)
    return problem == nil, problem
  end
  return true
end

-- Whether to go on; if not, a problem unless the user cancelled. The loop is never left: Lightroom would go on
-- rendering into a folder that is deleted meanwhile.
local function submitChunk(api, items, request, progress, rendering)
  local session, byPhoto = Renditions.session(items, rendering.folder)
  return progress:render(rendering.context, #items, function(part)
    local more, problem = true, nil
    local options = { progressScope = part, renderProgressPortion = 1, stopIfCanceled = true }
    for _, rendition in session:renditions(options) do
      local item = byPhoto[rendition.photo.localIdentifier]
      if more then
        more, problem = submitRendition(api, item, rendition, request, progress)
      else
        rendition:skipRender()
      end
    end
    return more and not part:isCanceled(), problem
  end)
end

-- Submit renditions, each as soon as it is rendered: the first is animated while others render.
function Submit.renditions(context, api, items, request, progress)
  if #items == 0 then
    return nil
  end
  local folder = Paths.child(LrPathUtils.getStandardFilePath "temp", "afterframe-" .. LrUUID.generateUUID())
  LrFileUtils.createAllDirectories(folder)
  context:addCleanupHandler(function()
    LrFileUtils.delete(folder)
  end)
  for first = 1, #items, RENDERED_AT_ONCE do
    local chunk = { unpack(items, first, math.min(first + RENDERED_AT_ONCE - 1, #items)) }
    local more, problem = submitChunk(api, chunk, request, progress, { context = context, folder = folder })
    if not more then
      leaveOut(items, problem and "unsent" or "cancelled", problem)
      return problem
    end
  end
end

return Submit

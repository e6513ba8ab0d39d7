-- Hand photos over to the daemon: by path where it sees the file, else sent; as they are, or as a rendition.
-- An item is { photo, path }; it gets .there (the file as the daemon spells it), .renders (a list),
-- or .reason with .problem when it was left out.

local LrExportSession = import "LrExportSession"
local LrFileUtils = import "LrFileUtils"
local LrPathUtils = import "LrPathUtils"
local LrTasks = import "LrTasks"
local LrUUID = import "LrUUID"

local Api = require "Api"
local Paths = require "Paths"
local Settings = require "Settings"

local Handover = {}

local RENDERED_AT_A_TIME = 20
local RETRY_S = 2
local FATAL = { token = true, down = true, stranger = true }
Handover.SUFFIX = "-animate"

-- Every key of the size is named: Lightroom renders one pixel when one is missing.
Handover.RENDITION = {
  LR_exportServiceProvider = "com.adobe.ag.export.file",
  LR_exportServiceProviderTitle = "Hard Drive",
  LR_export_destinationType = "specificFolder",
  LR_export_destinationPathSuffix = "",
  LR_export_useSubfolder = false,
  LR_export_postProcessing = "doNothing",
  LR_collisionHandling = "rename",
  LR_renamingTokensOn = false,
  LR_extensionCase = "lowercase",
  LR_format = "JPEG",
  LR_jpeg_quality = 0.92,
  LR_jpeg_useLimitSize = false,
  LR_export_colorSpace = "sRGB",
  LR_size_doConstrain = true,
  LR_size_doNotEnlarge = true,
  LR_size_resizeType = "longEdge",
  LR_size_units = "pixels",
  LR_size_maxWidth = 2560,
  LR_size_maxHeight = 2560,
  LR_size_resolution = 240,
  LR_size_resolutionUnits = "inch",
  LR_outputSharpeningOn = false,
  LR_useWatermark = false,
  LR_embeddedMetadataOption = "all",
  LR_removeLocationMetadata = false,
  LR_removeFaceMetadata = false,
  LR_metadata_keywordOptions = "flat",
  LR_includeVideoFiles = false,
  LR_reimportExportedPhoto = false,
}

-- The path that the daemon would know a file by; nil when it cannot see it.
function Handover.there(api, path)
  local there, mapped = Paths.toDaemon(path, Settings.mappings())
  return (mapped or api:isHere()) and there or nil
end

local function leaveOut(items, reason, problem)
  for _, item in ipairs(items) do
    if not item.renders then
      item.reason, item.problem = reason, problem
    end
  end
end

local function take(item, there, renders)
  item.there, item.renders, item.reason, item.problem = there, renders, nil, nil
end

-- Ask once more with the same key when the answer got lost: nothing is animated twice.
local function animate(api, paths, wish)
  local key = LrUUID.generateUUID()
  local answer, problem = api:animate(paths, wish, key)
  if not answer and (problem.code == "slow" or problem.code == "down") then
    LrTasks.sleep(RETRY_S)
    answer, problem = api:animate(paths, wish, key)
  end
  return answer, problem
end

-- One batch by path. Those that the daemon cannot find on its disks go to `unseen`.
local function sendBatch(api, batch, wish, unseen)
  local paths, byPath = {}, {}
  for index, item in ipairs(batch) do
    paths[index] = item.there
    byPath[item.there] = item
  end
  local answer, problem = animate(api, paths, wish)
  if not answer then
    leaveOut(batch, "unsent", problem)
    return problem
  end
  for _, render in ipairs(answer.renders) do
    local item = byPath[render.photo]
    take(item, item.there, item.renders or {})
    item.renders[#item.renders + 1] = render
  end
  for _, refusal in ipairs(answer.refused) do
    local item = byPath[refusal.path]
    if not api:isHere() and (refusal.reason.code == "missing" or refusal.reason.code == "not_allowed") then
      unseen[#unseen + 1] = item
    elseif refusal.reason.code == "not_allowed" then
      item.reason = "outside"
    else
      item.reason, item.problem = "refused", refusal.reason
    end
  end
end

-- Send one file under a name; whether to go on with others.
local function upload(api, item, file, name, folder, wish)
  local answer, problem = api:upload(file, name, folder, wish)
  if answer then
    take(item, answer.path, answer.renders)
    item.handed = true
  else
    item.reason, item.problem = FATAL[problem.code] and "unsent" or "refused", problem
  end
  return not (problem and FATAL[problem.code]), problem
end

-- Where an item's file goes when it is sent: its own folder where the daemon sees it, else the folder for uploads.
local function folderFor(api, item)
  local folder = Paths.split(item.path)
  local set = Settings.prefs().uploadFolder
  return Handover.there(api, folder) or set ~= "" and set or nil
end

-- Hand over files as they are. `tick(item)` is called for each and says whether to go on.
-- Returns a problem that ends the whole, or nil.
function Handover.files(api, items, wish, tick)
  local seen, unseen = {}, {}
  for _, item in ipairs(items) do
    item.there = Handover.there(api, item.file or item.path)
    local list = item.there and seen or unseen
    list[#list + 1] = item
  end
  for first = 1, #seen, Api.BATCH do
    local batch = { unpack(seen, first, math.min(first + Api.BATCH - 1, #seen)) }
    if not tick(batch[1], #batch) then
      leaveOut(seen, "cancelled")
      return nil
    end
    local problem = sendBatch(api, batch, wish, unseen)
    if problem and FATAL[problem.code] then
      leaveOut(items, "unsent", problem)
      return problem
    end
  end
  return Handover.send(api, unseen, wish, tick)
end

-- Send files that the daemon cannot see.
function Handover.send(api, items, wish, tick)
  for _, item in ipairs(items) do
    if not tick(item, 1) then
      leaveOut(items, "cancelled")
      return nil
    end
    local file = item.file or item.path
    local _, name = Paths.split(file)
    local folder = Settings.prefs().uploadFolder
    local more, problem = upload(api, item, file, name, folder ~= "" and folder or nil, wish)
    if not more then
      leaveOut(items, "unsent", problem)
      return problem
    end
  end
end

local function renditionsOf(items, folder)
  local photos, byPhoto, settings = {}, {}, {}
  for name, value in pairs(Handover.RENDITION) do
    settings[name] = value
  end
  settings.LR_export_destinationPathPrefix = folder
  for index, item in ipairs(items) do
    photos[index] = item.photo
    byPhoto[item.photo.localIdentifier] = item
  end
  return LrExportSession { photosToExport = photos, exportSettings = settings }, byPhoto
end

local function renderChunk(api, items, wish, tick, folder)
  local session, byPhoto = renditionsOf(items, folder)
  for _, rendition in session:renditions { stopIfCanceled = true } do
    local item = byPhoto[rendition.photo.localIdentifier]
    local rendered, result = rendition:waitForRender()
    if not rendered then
      item.reason = "refused"
      item.problem = {
        code = "render",
        message = LOC("$$$/Afterframe/Problem/Render=Lightroom could not render the photo: ^1", tostring(result)),
        hint = "",
      }
    elseif not tick(item, 1) then
      leaveOut(items, "cancelled")
      return false
    else
      local _, leaf = Paths.split(item.path)
      local name = Paths.stem(leaf) .. Handover.SUFFIX .. ".jpg"
      local more, problem = upload(api, item, result, name, folderFor(api, item), wish)
      LrFileUtils.delete(result)
      if not more then
        leaveOut(items, "unsent", problem)
        return false, problem
      end
    end
  end
  return true
end

-- Hand over renditions: rendered by Lightroom, sent at once, so that the first is animated while others render.
function Handover.renditions(context, api, items, wish, tick)
  if #items == 0 then
    return nil
  end
  local folder = LrPathUtils.child(LrPathUtils.getStandardFilePath "temp", "afterframe-" .. LrUUID.generateUUID())
  LrFileUtils.createAllDirectories(folder)
  context:addCleanupHandler(function()
    LrFileUtils.delete(folder)
  end)
  for first = 1, #items, RENDERED_AT_A_TIME do
    local chunk = { unpack(items, first, math.min(first + RENDERED_AT_A_TIME - 1, #items)) }
    local more, problem = renderChunk(api, chunk, wish, tick, folder)
    if not more then
      leaveOut(items, problem and "unsent" or "cancelled", problem)
      return problem
    end
  end
end

-- The folders of items, as the daemon spells them, that it may not use yet; only the topmost.
function Handover.closedFolders(api, items, known)
  local closed, seen = {}, {}
  for _, item in ipairs(items) do
    local here = Paths.split(item.file or item.path)
    local there = not seen[here] and Handover.there(api, here)
    seen[here] = true
    local open = not there
    for _, folder in ipairs(known) do
      open = open or Paths.isBelow(there, folder.path)
    end
    if not open then
      closed[#closed + 1] = there
    end
  end
  table.sort(closed)
  local top = {}
  for _, folder in ipairs(closed) do
    if #top == 0 or not Paths.isBelow(folder, top[#top]) then
      top[#top + 1] = folder
    end
  end
  return top
end

return Handover

-- A stand-in for Lightroom Classic's SDK under a real Lua 5.1, as strict as we know how to be: unknown names and keys
-- throw, a gate inside a gate throws, so does a question inside a gate, a gate without a time-out, a network call
-- without one, or a yielding call outside a task. Calls that yield in Lightroom yield here, so that a plain pcall
-- around one fails as it does there. Everything outside Lua (files, network, clock, pictures) is the host's.

local host = ...

local sdk = { photos = {}, selection = {}, gates = {}, failures = {}, busy = 0 }
sdk.fields, sdk.prefs, sdk.passwords, sdk.shown = {}, {}, {}, {}
sdk.sessions = {}
sdk.found = {} -- how many photos each search gave
sdk.unsupported = false -- this system's Lightroom takes no MP4
local data = setmetatable({}, { __mode = "k" }) -- photo -> what the catalogue knows
local tasks, current, gate, gateTask = {}, nil, nil, nil

local function strict(name, members)
  return setmetatable(members, {
    __index = function(_, key)
      error(name .. " has no “" .. tostring(key) .. "”", 2)
    end,
  })
end

local function set(words)
  local made = {}
  for word in string.gmatch(words, "%S+") do
    made[word] = true
  end
  return made
end

local function check(condition, message, ...)
  if not condition then
    error(string.format(message, ...), 3)
  end
end

local function kind(value, wanted, what)
  if type(value) ~= wanted then
    error(what .. " must be a " .. wanted .. ", not a " .. type(value), 3)
  end
end

local function onlyKeys(given, known, what)
  for key in pairs(given) do
    if type(key) == "string" and not known[key] then
      error(what .. " does not take “" .. key .. "”", 3)
    end
  end
end

-- A call that yields: only in a task, and never in a gate.
local function yields(what)
  if not coroutine.running() then
    error(what .. " must be called in a task", 3)
  elseif gate then
    error(what .. " inside a gate can hang Lightroom", 3)
  end
  coroutine.yield()
end

-- pcall that lets yields through, as LrTasks.pcall does.
local function pcallYielding(call, ...)
  local thread = coroutine.create(call)
  local function step(ran, ...)
    if not ran then
      return false, (...)
    elseif coroutine.status(thread) == "dead" then
      return true, ...
    end
    return step(coroutine.resume(thread, coroutine.yield(...)))
  end
  return step(coroutine.resume(thread, ...))
end

-- ---------------------------------------------------------------------------------------------------- tasks

local function start(work)
  kind(work, "function", "a task")
  tasks[#tasks + 1] = { thread = coroutine.create(work), wake = 0 }
end

sdk.task = start

local function resume(task)
  current = task
  local ran, message = coroutine.resume(task.thread)
  current = nil
  if not ran then
    sdk.failures[#sdk.failures + 1] = tostring(message)
  end
end

local function turn()
  local now, earliest, ran = host.now(), math.huge, false
  for _, task in ipairs { unpack(tasks) } do
    if coroutine.status(task.thread) ~= "dead" and (not gateTask or gateTask == task) then
      if task.wake <= now then
        resume(task)
        ran = true
      else
        earliest = math.min(earliest, task.wake)
      end
    end
  end
  local alive = {}
  for _, task in ipairs(tasks) do
    if coroutine.status(task.thread) ~= "dead" then
      alive[#alive + 1] = task
    end
  end
  tasks = alive
  if not ran and #tasks > 0 then
    host.advance(earliest - now)
  end
end

-- Run every task to its end.
function sdk.run()
  while #tasks > 0 do
    turn()
  end
  sdk.renderTheRest()
end

local LrTasks = strict("LrTasks", {
  startAsyncTask = function(work)
    start(work)
  end,
  pcall = pcallYielding,
  yield = function()
    yields "LrTasks.yield"
  end,
  sleep = function(seconds)
    kind(seconds, "number", "LrTasks.sleep")
    check(not gate, "LrTasks.sleep inside a gate")
    current.wake = host.now() + seconds
    yields "LrTasks.sleep"
  end,
  canYield = function()
    return coroutine.running() ~= nil
  end,
  execute = function(line)
    kind(line, "string", "LrTasks.execute")
    check(not host.windows or not string.find(line, "[\128-\255]"), "cmd.exe mangles what is not ASCII: %s", line)
    yields "LrTasks.execute"
    return host.execute(line)
  end,
})

local function contextFor(name)
  local failed, cleanups = {}, {}
  local context = strict("LrFunctionContext of " .. name, {
    addFailureHandler = function(_, handler)
      failed[#failed + 1] = handler
    end,
    addCleanupHandler = function(_, handler)
      cleanups[#cleanups + 1] = handler
    end,
  })
  return context,
    function(ran, message)
      if not ran then
        sdk.failures[#sdk.failures + 1] = tostring(message)
        for _, handler in ipairs(failed) do
          handler(false, message)
        end
      end
      for _, handler in ipairs(cleanups) do
        handler()
      end
    end
end

local LrFunctionContext = strict("LrFunctionContext", {
  postAsyncTaskWithContext = function(name, work)
    kind(name, "string", "the name of a context")
    start(function()
      local context, finish = contextFor(name)
      finish(pcallYielding(work, context))
    end)
  end,
})

-- ---------------------------------------------------------------------------------------------------- the catalogue

local RAW = set(
  "path isVideo isVirtualCopy fileFormat pickStatus rating uuid isCropped smartPreviewInfo dateTimeOriginal"
)
local Photo = {}

local function photoData(photo, what)
  local known = data[photo] or error(what .. " needs a photo", 3)
  if known.deleted then
    error(what .. ": the photo was deleted from the catalogue", 3)
  end
  return known
end

local function fieldOf(id)
  return sdk.fields[id] or error("the plug-in has no metadata field “" .. tostring(id) .. "”", 3)
end

function Photo:getRawMetadata(key)
  yields "photo:getRawMetadata"
  check(RAW[key], "no raw metadata “%s”", tostring(key))
  return photoData(self, "getRawMetadata")[key]
end

function Photo:setRawMetadata(key, value)
  check(gate == "write", "setRawMetadata needs a write gate, not %s", tostring(gate))
  check(not photoData(self, "setRawMetadata").locked, "the file is read-only")
  if key == "pickStatus" then
    check(value == -1 or value == 0 or value == 1, "pickStatus cannot be %s", tostring(value))
  elseif key == "rating" then
    -- Reference of setRawMetadata: "either nil or number of stars"; 0 is refused.
    check(value == nil or (value % 1 == 0 and value >= 1 and value <= 5), "rating cannot be %s", tostring(value))
  else
    error("setRawMetadata does not know " .. tostring(key), 2)
  end
  photoData(self, "setRawMetadata")[key] = value
  sdk.gates[#sdk.gates].writes = sdk.gates[#sdk.gates].writes + 1
end

function Photo:setPropertyForPlugin(plugin, id, value)
  check(gate, "setPropertyForPlugin needs a gate")
  check(plugin == sdk.plugin, "setPropertyForPlugin needs _PLUGIN")
  check(not photoData(self, "setPropertyForPlugin").locked, "the file is read-only")
  local field = fieldOf(id)
  if value ~= nil then
    kind(value, "string", "the value of “" .. id .. "”")
    check(not field.searchable or #value <= 511, "“%s” is searchable: at most 511 bytes, not %d", id, #value)
    local known = field.dataType ~= "enum"
    for _, item in ipairs(field.values or {}) do
      known = known or item.value == value
    end
    check(known, "“%s” cannot be “%s”", id, value)
  end
  photoData(self, "setPropertyForPlugin").plugin[id] = value
  sdk.gates[#sdk.gates].writes = sdk.gates[#sdk.gates].writes + 1
end

local photoMeta = {
  __index = function(_, key)
    return Photo[key] or error("LrPhoto has no “" .. tostring(key) .. "”", 2)
  end,
}

-- Put a photo into the catalogue without the plugin.
function sdk.newPhoto(path, facts)
  local photo = setmetatable({ localIdentifier = #sdk.photos + 1 }, photoMeta)
  local kept = { path = path, isVideo = false, isVirtualCopy = false, fileFormat = "JPG", pickStatus = 0, plugin = {} }
  for key, value in pairs(facts) do
    kept[key] = value
  end
  data[photo] = kept
  sdk.photos[#sdk.photos + 1] = photo
  return photo
end

-- Lightroom may give another object for the same photo each time: only localIdentifier tells that they are one.
local function fresh(photo)
  if not photo then
    return nil
  end
  local again = setmetatable({ localIdentifier = photo.localIdentifier }, photoMeta)
  data[again] = data[photo]
  return again
end

local function freshly(photos)
  local list = {}
  for index, photo in ipairs(photos) do
    list[index] = fresh(photo)
  end
  return list
end

function sdk.data(photo)
  return data[photo]
end

local Catalog = {}

local function question(what)
  if gate then
    error(what .. " inside a gate: Windows hangs", 3)
  end
  yields(what)
end

local function openGate(name, work, options)
  if gate then
    error("a gate inside a gate", 3)
  end
  kind(work, "function", "the work of a gate")
  check(type(options) == "table" and type(options.timeout) == "number", "a gate needs a time-out")
  onlyKeys(options, set "timeout callback asynchronous", "a gate")
  yields "a gate"
  if sdk.busy > 0 then
    sdk.busy = sdk.busy - 1
    return "aborted"
  end
  gate, gateTask = name, current
  sdk.gates[#sdk.gates + 1] = { name = name, writes = 0 }
  local ran, message = pcallYielding(work)
  gate, gateTask = nil, nil
  if not ran then
    error(message, 0)
  end
  return "executed"
end

function Catalog:withWriteAccessDo(title, work, options)
  kind(title, "string", "the title of a change")
  return openGate("write", work, options)
end

function Catalog:withPrivateWriteAccessDo(work, options)
  return openGate("private", work, options)
end

function Catalog:getTargetPhoto()
  question "getTargetPhoto"
  return fresh(sdk.selection[1])
end

function Catalog:getTargetPhotos()
  question "getTargetPhotos"
  return freshly(#sdk.selection > 0 and sdk.selection or sdk.photos)
end

-- A photo that was deleted after the question for it is simply not in the answer.
local function stillThere(photos)
  local list = {}
  for _, photo in ipairs(photos) do
    if not data[photo] or not data[photo].deleted then
      list[#list + 1] = photo
    end
  end
  return list
end

function Catalog:batchGetRawMetadata(photos, keys)
  question "batchGetRawMetadata"
  local answer = {}
  for _, photo in ipairs(stillThere(photos)) do
    answer[photo] = {}
    for _, key in ipairs(keys) do
      check(RAW[key], "no raw metadata “%s”", tostring(key))
      answer[photo][key] = photoData(photo, "batchGetRawMetadata")[key]
    end
  end
  return answer
end

function Catalog:batchGetPropertyForPlugin(photos, plugin, ids)
  question "batchGetPropertyForPlugin"
  check(plugin == sdk.plugin, "batchGetPropertyForPlugin needs _PLUGIN")
  local answer = {}
  for _, photo in ipairs(stillThere(photos)) do
    answer[photo] = {}
    for _, id in ipairs(ids) do
      fieldOf(id)
      answer[photo][id] = photoData(photo, "batchGetPropertyForPlugin").plugin[id]
    end
  end
  return answer
end

local function withPath(path)
  for _, photo in ipairs(sdk.photos) do
    if data[photo].path == path and not data[photo].isVirtualCopy then
      return photo
    end
  end
end

function Catalog:findPhotoByPath(path)
  question "findPhotoByPath"
  kind(path, "string", "a path")
  return fresh(withPath(path))
end

local function dayOf(time)
  return os.date("!%Y-%m-%d", time + 978307200) -- since 2001
end

-- As smart collections are written. Adjustments are what the Develop module did, cropping apart.
local CRITERIA = {
  hasAdjustments = {
    isTrue = function(known)
      return known.developed == true
    end,
  },
  fileFormat = {
    ["=="] = function(known, rule)
      return known.fileFormat == rule.value
    end,
  },
  captureTime = {
    ["in"] = function(known, rule)
      local day = known.dateTimeOriginal and dayOf(known.dateTimeOriginal)
      return day ~= nil and day >= rule.value and day <= rule.value2
    end,
  },
}

local function matches(known, rule)
  if rule.criteria then
    local operations = CRITERIA[rule.criteria] or error("a search by " .. tostring(rule.criteria), 0)
    local holds = operations[rule.operation]
    return (holds or error("Lightroom hangs for ever: no operation " .. tostring(rule.operation), 0))(known, rule)
  end
  check(rule.combine == "union" or rule.combine == "intersect", "rules are combined how?")
  for _, each in ipairs(rule) do
    if matches(known, each) == (rule.combine == "union") then
      return rule.combine == "union"
    end
  end
  return rule.combine == "intersect"
end

function Catalog:findPhotos(options)
  question "findPhotos"
  onlyKeys(options, set "searchDesc", "findPhotos")
  local found = {}
  for _, photo in ipairs(sdk.photos) do
    if matches(data[photo], options.searchDesc) then
      found[#found + 1] = photo
    end
  end
  sdk.found[#sdk.found + 1] = #found
  return freshly(found)
end

function Catalog:findPhotosWithProperty(pluginId, id)
  question "findPhotosWithProperty"
  check(pluginId == sdk.plugin.id, "another plug-in's id")
  fieldOf(id)
  local found = {}
  for _, photo in ipairs(sdk.photos) do
    if data[photo].plugin[id] ~= nil then
      found[#found + 1] = photo
    end
  end
  return freshly(found)
end

local function folderOf(path)
  return string.match(path, "^(.*)[/\\]")
end

function Catalog:addPhoto(path, stackWith, position)
  check(gate == "write", "addPhoto needs a write gate")
  kind(path, "string", "a path")
  coroutine.yield() -- it does in Lightroom: a plain pcall around it fails
  if sdk.unsupported or host.exists(path) ~= "file" or not string.find(string.lower(path), "%.mp4$") then
    error("addPhoto: not there, or not supported: " .. path, 2)
  end
  check(not withPath(path), "addPhoto: it is in the catalogue already: %s", path)
  if stackWith then
    check(position == "above" or position == "below", "addPhoto: position")
    local base = photoData(stackWith, "addPhoto")
    check(folderOf(base.path) == folderOf(path) and not base.unstackable, "addPhoto: cannot be stacked")
  end
  local fails = stackWith and data[stackWith].stackingFails
  local stack = not fails and stackWith or nil
  local photo = sdk.newPhoto(path, { isVideo = true, fileFormat = "VIDEO", stackedWith = stack })
  sdk.gates[#sdk.gates].writes = sdk.gates[#sdk.gates].writes + 1
  check(not fails, "addPhoto: added, and not stacked")
  return photo
end

local catalog = setmetatable({}, {
  __index = function(_, key)
    return Catalog[key] or error("LrCatalog has no “" .. tostring(key) .. "”", 2)
  end,
})

local LrApplication = strict("LrApplication", {
  activeCatalog = function()
    return catalog
  end,
  versionString = function()
    return host.version .. ".0"
  end,
  versionTable = function()
    return { major = host.version, minor = 0, revision = 0, build = 0 }
  end,
})

-- ---------------------------------------------------------------------------------------------------- the network

local function headersOf(headers)
  local list = {}
  for index, header in ipairs(headers) do
    onlyKeys(header, set "field value", "a header")
    list[index] = { header.field, header.value }
  end
  return list
end

local function http(method, url, headers, body, timeout)
  kind(timeout, "number", "the time-out of a request")
  yields "LrHttp"
  local status, answer, code = host.http(method, url, headersOf(headers or {}), body, timeout)
  if not status then
    return nil, { error = { errorCode = code, name = code, nativeCode = -1 } }
  end
  return answer, { status = status }
end

local LrHttp = strict("LrHttp", {
  get = function(url, headers, timeout)
    return http("GET", url, headers, nil, timeout)
  end,
  post = function(url, body, headers, method, timeout)
    kind(body, "string", "a body")
    return http(method or "POST", url, headers, body, timeout)
  end,
  postMultipart = function(url, parts, headers, timeout)
    for _, part in ipairs(parts) do
      onlyKeys(part, set "name value fileName filePath contentType", "a part")
      kind(part.name, "string", "a part's name")
      kind(part.value or part.filePath, "string", "a part's value or filePath")
    end
    return http("MULTIPART", url, headers, parts, timeout)
  end,
  openUrlInBrowser = function(url)
    host.browse(url)
  end,
})

-- ---------------------------------------------------------------------------------------------------- files

local LrFileUtils = strict("LrFileUtils", {
  exists = host.exists,
  readFile = host.read,
  delete = host.delete,
  move = host.move,
  copy = host.copy,
  createAllDirectories = host.make,
  -- An iterator, what it walks and where it stands, as pairs gives them: `and`/`or` around the call loses two of them.
  files = function(folder)
    check(host.exists(folder) == "directory", "LrFileUtils.files: no such folder: %s", folder)
    local list, index = host.files(folder), {}
    for place, path in ipairs(list) do
      index[path] = place
    end
    return function(walked, path)
      return walked[(index[path] or 0) + 1]
    end,
      list,
      nil
  end,
})

local LrPathUtils = strict("LrPathUtils", {
  child = function(folder, name)
    kind(folder, "string", "a folder")
    if host.windows then
      return string.gsub(folder, "[\\/]+$", "") .. "\\" .. name
    end
    return host.decompose(string.gsub(folder, "/+$", "") .. "/" .. name)
  end,
  getStandardFilePath = function(name)
    check(set("home temp desktop appPrefs pictures documents appData")[name], "no standard path %s", tostring(name))
    return host.standard(name)
  end,
})

-- ---------------------------------------------------------------------------------------------------- exporting

-- Every key that Lightroom Classic 15 saves in a preset and that changes the file, where it goes or whether anybody is
-- asked; what is missing is taken from the user's last export, which was a wild one.
local EXPORT = set [[
  LR_exportServiceProvider LR_exportServiceProviderTitle LR_export_destinationType LR_export_destinationPathPrefix
  LR_export_destinationPathSuffix LR_export_useParentFolder LR_export_useSubfolder LR_export_postProcessing
  LR_collisionHandling LR_renamingTokensOn LR_tokens LR_tokensArchivedToString2 LR_tokenCustomString
  LR_initialSequenceNumber LR_extensionCase LR_format LR_jpeg_quality LR_jpeg_useLimitSize LR_jpeg_limitSize
  LR_export_bitDepth LR_export_colorSpace LR_enableHDRDisplay LR_maximumCompatibility LR_size_doConstrain
  LR_size_userWantsConstrain LR_size_percentage LR_size_doNotEnlarge LR_size_resizeType LR_size_units LR_size_maxWidth
  LR_size_maxHeight LR_size_resolution LR_size_resolutionUnits LR_outputSharpeningOn LR_outputSharpeningLevel
  LR_outputSharpeningMedia LR_useWatermark LR_embeddedMetadataOption LR_removeLocationMetadata LR_removeFaceMetadata
  LR_minimizeEmbeddedMetadata LR_metadata_keywordOptions LR_includeFaceTagsAsKeywords LR_includeFaceTagsInIptc
  LR_contentCredentials_include_status LR_contentCredentials_include_producer
  LR_contentCredentials_include_connectedAccounts LR_contentCredentials_include_editsAndActivity
  LR_includeVideoFiles LR_export_videoFileHandling LR_reimportExportedPhoto LR_reimport_stackWithOriginal
  LR_reimport_stackWithOriginal_position ]]

-- A rendition is made when it is waited for; `left` counts those that nobody waited for and nobody took back.
local function renditionOf(photo, folder, suffix, left)
  local name = string.match(data[photo].path, "([^/\\]+)%.[^.]*$")
  local destination = host.free(folder .. "/" .. name .. suffix .. ".jpg")
  return strict("LrExportRendition", {
    photo = fresh(photo),
    destinationPath = destination,
    skipRender = function()
      left.count = left.count - 1
    end,
    waitForRender = function()
      yields "waitForRender"
      left.count = left.count - 1
      local rendered, problem = host.render(data[photo].path, destination)
      return rendered, rendered and destination or problem
    end,
  })
end

-- scope: the export's own progress bar; nil for a session, which has none of its own.
local function renditionsOf(photos, folder, suffix, scope)
  return function(_, options)
    onlyKeys(options, set "stopIfCanceled progressScope renderProgressPortion", "renditions")
    scope = options.progressScope or scope
    check(scope or not options.stopIfCanceled, "stopIfCanceled is ignored without a progressScope")
    local index, left = 0, { count = #photos, folder = folder }
    sdk.sessions[#sdk.sessions + 1] = left
    return function()
      index = index + 1
      if options.stopIfCanceled and scope:isCanceled() then
        left.count = 0
        return nil
      elseif photos[index] then
        if options.progressScope then
          scope:setPortionComplete(index - 1, #photos)
        end
        return index, renditionOf(photos[index], folder or folderOf(data[photos[index]].path), suffix, left)
      end
    end
  end
end

-- What nobody waited for is rendered all the same, into a folder that may be gone.
function sdk.renderTheRest()
  for _, left in ipairs(sdk.sessions) do
    if left.count > 0 then
      local folder = tostring(left.folder)
      sdk.failures[#sdk.failures + 1] = "Lightroom went on to render " .. left.count .. " into " .. folder
    end
  end
  sdk.sessions = {}
end

sdk.exportKeys = EXPORT

local LrExportSession = setmetatable({}, {
  __call = function(_, options)
    onlyKeys(options, set "photosToExport exportSettings", "LrExportSession")
    local settings = options.exportSettings
    onlyKeys(settings, EXPORT, "exportSettings")
    for key in pairs(EXPORT) do
      check(settings[key] ~= nil, "the user's last export decides about %s", key)
    end
    local folder = settings.LR_export_destinationPathPrefix
    check(host.exists(folder) == "directory", "no such folder: %s", tostring(folder))
    return strict("LrExportSession", { renditions = renditionsOf(options.photosToExport, folder, "") })
  end,
})

-- Export photos with the plugin's service, as the Export dialog would.
function sdk.export(service, photos, settings, folder)
  LrFunctionContext.postAsyncTaskWithContext("export", function(context)
    local scope = sdk.newScope { title = "export" }
    service.processRenderedPhotos(
      context,
      strict("LrExportContext", {
        propertyTable = settings,
        configureProgress = function(_, options)
          onlyKeys(options, set "title renderPortion", "configureProgress")
          return scope
        end,
        renditions = renditionsOf(photos, folder, "-animate", scope),
      })
    )
  end)
end

-- ---------------------------------------------------------------------------------------------------- progress

local parts = setmetatable({}, { __mode = "k" }) -- a scope, as the plug-in holds it -> what is shown of it

function sdk.newScope(options)
  onlyKeys(options, set "title caption functionContext parent parentEndRange", "LrProgressScope")
  local parent = options.parent and parts[options.parent]
  if not parent then
    kind(options.title, "string", "the title of a progress bar")
  end
  local scope = { portion = 0, caption = "", finished = false }
  local from = parent and parent.portion or 0
  sdk.scope = parent or scope
  function scope.show(portion)
    check(portion >= 0 and portion <= 1, "progress of %s", tostring(portion))
    scope.portion = portion
    if parent then
      parent.show(from + (options.parentEndRange - from) * portion)
    else
      host.progress(portion, scope.caption)
    end
  end
  local made = strict("LrProgressScope", {
    setPortionComplete = function(_, done, total)
      scope.show(total and (total > 0 and done / total or 0) or done)
    end,
    setCaption = function(_, caption)
      kind(caption, "string", "a caption")
      scope.caption = caption
      host.progress(scope.portion, caption)
    end,
    setCancelable = function() end,
    isCanceled = function()
      return host.cancelled()
    end,
    done = function()
      scope.finished = true
    end,
  })
  parts[made] = scope
  return made
end

local LrProgressScope = setmetatable({}, {
  __call = function(_, options)
    check(options.functionContext, "a progress bar without a context stays for ever")
    return sdk.newScope(options)
  end,
})

-- ---------------------------------------------------------------------------------------------------- the rest

local tools = { strict = strict, set = set, check = check, kind = kind, onlyKeys = onlyKeys, yields = yields }
local shown = assert(loadstring(host.views, "@fake_lightroom_views.lua"))(sdk, host, tools)

-- Only what the SDK's reference names; a message is logged by the actions that `enable` chose.
local loggers = {}

local function newLogger(name)
  local enabled, methods = false, {}
  for _, level in ipairs { "trace", "debug", "info", "warn", "error", "fatal" } do
    methods[level] = function(_, ...)
      for index = 1, select("#", ...) do
        kind(select(index, ...), "string", "what is logged")
      end
      if enabled then
        host.log(name, level, table.concat({ ... }, " "))
      end
    end
    methods[level .. "f"] = function(self, format, ...)
      self[level](self, string.format(format, ...))
    end
  end
  function methods.enable(_, action)
    check(set("print traceback logfile")[action], "a logger cannot be enabled with %s", tostring(action))
    enabled = action == "logfile"
  end
  function methods.disable()
    enabled = false
  end
  function methods.type()
    return "LrLogger"
  end
  return strict("LrLogger", methods)
end

local LrLogger = setmetatable({}, {
  __call = function(_, name)
    kind(name, "string", "a logger's name")
    check(string.find(name, "^[%w._-]+$"), "a logger's name becomes a file's: %s", name)
    loggers[name] = loggers[name] or newLogger(name)
    return loggers[name]
  end,
})

local MODULES = {
  LrApplication = LrApplication,
  LrBinding = shown.LrBinding,
  LrDate = strict("LrDate", {
    currentTime = host.now,
    timeToUserFormat = function(time, format)
      kind(time, "number", "a time")
      check(format == "%Y-%m-%d", "a format that is not known here")
      return dayOf(time)
    end,
  }),
  LrDialogs = shown.LrDialogs,
  LrExportSession = LrExportSession,
  LrFileUtils = LrFileUtils,
  LrFunctionContext = LrFunctionContext,
  LrHttp = LrHttp,
  LrLogger = LrLogger,
  LrPasswords = strict("LrPasswords", {
    store = function(key, password)
      kind(password, "string", "a password")
      sdk.passwords[key] = password
    end,
    retrieve = function(key)
      return sdk.passwords[key]
    end,
  }),
  LrPathUtils = LrPathUtils,
  LrPrefs = strict("LrPrefs", {
    prefsForPlugin = function()
      return sdk.prefs
    end,
  }),
  LrProgressScope = LrProgressScope,
  LrShell = strict("LrShell", {
    revealInShell = function(path)
      kind(path, "string", "a path")
      host.reveal(path)
    end,
  }),
  LrTasks = LrTasks,
  LrUUID = strict("LrUUID", { generateUUID = host.uuid }),
  LrView = shown.LrView,
}

local function LOC(text, ...)
  local key, words = string.match(text, "^(%$%$%$/Afterframe/[%w/]+)=(.+)$")
  if not key then
    error("LOC does not understand “" .. text .. "”", 2)
  end
  words = sdk.translations and sdk.translations[key] or words
  local values = { ... }
  return (
    string.gsub(words, "%^(%d)", function(number)
      local value = values[tonumber(number)]
      if value == nil then
        error("LOC: nothing for ^" .. number .. " in “" .. words .. "”", 3)
      end
      return tostring(value)
    end)
  )
end

local function only(what, names)
  local made = { LOC = LOC, WIN_ENV = host.windows, MAC_ENV = not host.windows, _VERSION = _VERSION }
  for name in string.gmatch(names, "%S+") do
    made[name] = _G[name]
  end
  return setmetatable(made, {
    __index = function(_, key)
      error(what .. " has no global “" .. tostring(key) .. "”", 2)
    end,
    __newindex = function(_, key)
      error("a stray global: " .. tostring(key), 2)
    end,
  })
end

-- What Info.lua may use, and nothing else.
local infoGlobals = only("Info.lua", "string")

-- What the other files may use: no load*, no dofile, no module, package, getfenv, setfenv, collectgarbage, debug.
local globals = only(
  "Lightroom's Lua",
  "assert error ipairs next pairs pcall print rawequal rawget rawset select setmetatable getmetatable tonumber "
    .. "tostring type unpack xpcall math string table"
)
rawset(globals, "_G", globals)
rawset(globals, "io", strict("io", {
  -- On Windows a path is taken for one of the system's code page.
  open = function(path, mode)
    if host.windows and string.find(path, "[\128-\255]") then
      return nil, path .. ": No such file or directory"
    end
    return io.open(host.real(path), mode)
  end,
}))
rawset(globals, "os", strict("os", { clock = os.clock, date = os.date, time = os.time, tmpname = os.tmpname }))
rawset(globals, "coroutine", strict("coroutine", { canYield = LrTasks.canYield, running = coroutine.running }))
rawset(globals, "import", function(name)
  return MODULES[name] or error("there is no SDK module “" .. tostring(name) .. "”", 2)
end)

local loaded = {}

local function chunk(name, environment)
  local made, problem = loadstring(host.source(name), "@" .. name)
  return setfenv(made or error(problem, 0), environment)
end

rawset(globals, "require", function(name)
  if loaded[name] == nil then
    loaded[name] = chunk(name .. ".lua", globals)() or true
  end
  return loaded[name]
end)

function sdk.info()
  return chunk("Info.lua", infoGlobals)()
end

-- Run one of the plugin's files as Lightroom does: outside any task.
function sdk.script(name)
  return chunk(name, globals)()
end

function sdk.snippet(source)
  start(setfenv(assert(loadstring(source, "@snippet")), globals))
end

function sdk.require(name)
  return globals.require(name)
end

function sdk.usePlugin(id, path)
  sdk.plugin = strict("_PLUGIN", { id = id, path = path })
  rawset(globals, "_PLUGIN", sdk.plugin)
  for _, field in ipairs(sdk.script("Fields.lua").metadataFieldsForPhotos) do
    sdk.fields[field.id] = field
  end
end

-- Forget the plugin's modules, as “Reload Plug-in” does; the catalogue stays.
function sdk.reload()
  loaded = {}
end

return sdk

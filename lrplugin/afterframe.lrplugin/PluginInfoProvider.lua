-- The plug-in's page in the Plug-in Manager: where the daemon is, and whether it answers.
-- Nothing here touches the catalog: such calls hang while the manager is open.

local LrHttp = import "LrHttp"
local LrTasks = import "LrTasks"
local LrView = import "LrView"

local Api = require "Api"
local Daemon = require "Daemon"
local Log = require "Log"
local Paths = require "Paths"
local Settings = require "Settings"

local FIELDS = { "address", "home", "mappings", "uploadFolder", "importWhenDone" }

local function tokenText(api)
  if api.pasted then
    return LOC "$$$/Afterframe/Manager/TokenPasted=Using the pasted token."
  elseif api.token then
    return LOC("$$$/Afterframe/Manager/TokenFound=Token found in ^1.", Settings.home())
  end
  return LOC "$$$/Afterframe/Manager/TokenMissing=No token found. Start Afterframe once, or paste its token."
end

local function foldersText(folders)
  local names = {}
  for _, folder in ipairs(folders) do
    names[#names + 1] = folder.path
  end
  return table.concat(names, "\n")
end

local function connectionText(api, state, problem)
  if not state then
    return problem.message .. " " .. problem.hint
  end
  local works = LOC("$$$/Afterframe/Manager/Works=Connected to Afterframe ^1 at ^2.", state.health.version, api.address)
  return works
    .. "\n"
    .. LOC "$$$/Afterframe/Manager/ItsFolders=Folders it may use:"
    .. "\n"
    .. foldersText(state.folders)
end

local function test(values, start)
  LrTasks.startAsyncTask(function()
    values.connection = LOC "$$$/Afterframe/Manager/Testing=Connecting…"
    local state, problem
    if start then
      state, problem = Daemon.start()
    else
      state, problem = Api.connect():check()
    end
    local api = Api.connect()
    values.connection = connectionText(api, state, problem)
    values.tokenFound = tokenText(api)
  end)
end

local function save(values)
  local prefs = Settings.prefs()
  for _, name in ipairs(FIELDS) do
    prefs[name] = values[name]
  end
  local _, wrong = Paths.parseMappings(values.mappings)
  values.mappingProblem = #wrong > 0
      and LOC("$$$/Afterframe/Manager/MappingProblem=Not understood: ^1", table.concat(wrong, "; "))
    or ""
end

local function label(f, title)
  return f:static_text { title = title, alignment = "right", width = LrView.share "afterframeManager" }
end

-- What is said about the connection and the like. Not a static_text: that does not draw a word that is longer than it
-- is wide, as a folder's path may be, nor lines beyond its height.
local function said(f, key, lines)
  return f:edit_field { value = LrView.bind(key), enabled = false, width_in_chars = 50, height_in_lines = lines or 1 }
end

local function field(f, title, key, lines)
  return f:row {
    label(f, title),
    f:edit_field { value = LrView.bind(key), width_in_chars = 50, height_in_lines = lines or 1, immediate = true },
  }
end

local provider = {}

function provider.startDialog(values)
  local prefs = Settings.prefs()
  for _, name in ipairs(FIELDS) do
    values[name] = prefs[name]
    values:addObserver(name, function()
      save(values)
    end)
  end
  values.pasted, values.mappingProblem, values.log, values.connection = "", "", Log.path(), ""
  save(values)
  values.tokenFound = tokenText(Api.connect())
  test(values)
end

function provider.endDialog(values)
  save(values)
end

function provider.sectionsForTopOfDialog(f, values)
  local bind = LrView.bind
  return {
    {
      title = LOC "$$$/Afterframe/Manager/Connection=Connection",
      bind_to_object = values,
      field(f, LOC "$$$/Afterframe/Manager/Address=Address:", "address"),
      f:row {
        label(f, ""),
        f:static_text {
          title = LOC "$$$/Afterframe/Manager/AddressInfo=Leave empty for the Afterframe on this computer.",
        },
      },
      f:row {
        label(f, LOC "$$$/Afterframe/Manager/Token=Token:"),
        said(f, "tokenFound", 2),
      },
      f:row {
        label(f, LOC "$$$/Afterframe/Manager/Paste=Use another token:"),
        f:password_field { value = bind "pasted", width_in_chars = 36 },
        f:push_button {
          title = LOC "$$$/Afterframe/Manager/UseToken=Use",
          action = function()
            Settings.saveToken(Settings.address(), values.pasted)
            values.pasted = ""
            test(values)
          end,
        },
      },
      f:row {
        f:push_button {
          title = LOC "$$$/Afterframe/Manager/Test=Test connection",
          action = function()
            test(values)
          end,
        },
        f:push_button {
          title = LOC "$$$/Afterframe/Manager/Start=Start Afterframe",
          action = function()
            test(values, true)
          end,
        },
        f:push_button {
          title = LOC "$$$/Afterframe/Manager/Review=Open the review page",
          action = function()
            LrTasks.startAsyncTask(function()
              local url, problem = Api.connect():loginUrl()
              if url then
                LrHttp.openUrlInBrowser(url)
              else
                values.connection = problem.message .. " " .. problem.hint
              end
            end)
          end,
        },
      },
      f:row { label(f, ""), said(f, "connection", 6) },
    },
    {
      title = LOC "$$$/Afterframe/Manager/Remote=Afterframe on another computer",
      bind_to_object = values,
      f:static_text {
        title = LOC "$$$/Afterframe/Manager/MappingInfo=Folders that both can see, one per line, here => there:"
          .. "  Z:\\Photos => /mnt/photos",
      },
      f:static_text {
        title = LOC "$$$/Afterframe/Manager/UploadInfo=Other photos are uploaded, and their clips downloaded.",
      },
      field(f, LOC "$$$/Afterframe/Manager/Mappings=Folders:", "mappings", 4),
      f:row { label(f, ""), said(f, "mappingProblem", 2) },
      field(f, LOC "$$$/Afterframe/Manager/UploadFolder=Upload folder there:", "uploadFolder"),
    },
    {
      title = LOC "$$$/Afterframe/Manager/More=More",
      bind_to_object = values,
      f:checkbox {
        title = LOC "$$$/Afterframe/Dialog/Import=Import the clips when they are finished",
        value = bind "importWhenDone",
      },
      field(f, LOC "$$$/Afterframe/Manager/Home=Afterframe's data folder (AFTERFRAME_HOME):", "home"),
      f:row {
        label(f, LOC "$$$/Afterframe/Manager/Log=Log for reports:"),
        said(f, "log"),
        f:push_button { title = LOC "$$$/Afterframe/Manager/ShowLog=Show", action = Log.reveal },
      },
      f:static_text {
        title = LOC "$$$/Afterframe/Manager/Collections=Smart collections: Afterframe > Clip status, is, Done.",
      },
      f:static_text {
        title = LOC "$$$/Afterframe/Manager/Tagset=The Metadata panel has a tagset named Afterframe.",
      },
    },
  }
end

return provider

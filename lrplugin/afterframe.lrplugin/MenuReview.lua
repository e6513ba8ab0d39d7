-- Library > Plug-in Extras > Review clips: the review page in the browser, after flags and stars were carried over.
local LrHttp = import "LrHttp"

local Api = require "Api"
local Daemon = require "Daemon"
local Summary = require "Summary"
local Task = require "Task"
local Verdicts = require "Verdicts"

Task.start("Afterframe: review clips", function()
  local api = Api.connect()
  if not Daemon.reach(api) then
    return
  end
  local unsynced = Verdicts.sync(api, Summary.new())
  local url, problem = api:loginUrl()
  if url then
    LrHttp.openUrlInBrowser(url)
  end
  if unsynced or problem then
    Daemon.explain(unsynced or problem)
  end
end)

-- Menu items run outside any task; this puts their work into one, and tells of errors instead of failing silently.

local LrDialogs = import "LrDialogs"
local LrFunctionContext = import "LrFunctionContext"

local Log = require "Log"

local Task = {}

function Task.start(name, work)
  LrFunctionContext.postAsyncTaskWithContext(name, function(context)
    context:addFailureHandler(function(_, message)
      Log.failure(name, message)
      LrDialogs.message(
        LOC "$$$/Afterframe/Problem/Ours=Something went wrong in the Afterframe plug-in. Nothing was lost.",
        tostring(message),
        "critical"
      )
    end)
    work(context)
  end)
end

return Task

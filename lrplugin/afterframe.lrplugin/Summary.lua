-- What became of many photos, grouped by reason: counts first, then some names.

local LrDialogs = import "LrDialogs"

local Log = require "Log"
local Paths = require "Paths"

local Summary = {}
Summary.__index = Summary

local NAMES_SHOWN = 5

-- Reasons that the plugin itself finds; all others come from the daemon with words of their own.
local function textOf(reason)
  return ({
    done = LOC "$$$/Afterframe/Summary/Done=Clips finished",
    imported = LOC "$$$/Afterframe/Summary/Imported=Clips imported",
    unstacked = LOC "$$$/Afterframe/Summary/Unstacked=Imported, but not stacked (different folder or stack)",
    alreadyImported = LOC "$$$/Afterframe/Summary/AlreadyImported=Clips already in the catalog",
    importBusy = LOC "$$$/Afterframe/Summary/ImportBusy=Lightroom was busy: “Import finished clips” adds it later",
    rejectedClip = LOC "$$$/Afterframe/Summary/RejectedClip=Skipped: rejected clips",
    cancelled = LOC "$$$/Afterframe/Summary/Cancelled=Cancelled",
    unfinished = LOC "$$$/Afterframe/Summary/Unfinished=Not finished yet; “Import finished clips” fetches them later",
    video = LOC "$$$/Afterframe/Summary/Video=Skipped: videos",
    copy = LOC "$$$/Afterframe/Summary/Copy=Skipped: virtual copies (export them to animate them)",
    missing = LOC "$$$/Afterframe/Summary/Missing=Skipped: missing files",
    outside = LOC "$$$/Afterframe/Summary/Outside=Skipped: Afterframe may not use the folder",
    unsent = LOC "$$$/Afterframe/Summary/Unsent=Not submitted; try again",
    waiting = LOC "$$$/Afterframe/Summary/Waiting=Exported; will be animated when Afterframe runs again",
    unwritten = LOC "$$$/Afterframe/Summary/Unwritten=Lightroom was busy: metadata not written (“Status” writes it)",
    toDaemon = LOC "$$$/Afterframe/Summary/ToDaemon=Flags and stars sent to Afterframe",
    fromDaemon = LOC "$$$/Afterframe/Summary/FromDaemon=Flags and stars received from Afterframe",
    queued = LOC "$$$/Afterframe/Summary/Queued=Queued or rendering",
    approved = LOC "$$$/Afterframe/Summary/Approved=Approved",
    rejected = LOC "$$$/Afterframe/Summary/Rejected=Rejected",
    failed = LOC "$$$/Afterframe/Summary/Failed=Failed",
  })[reason]
end

-- A problem's message often names its photo; for several it must not name only the first.
local function title(group)
  if group.problem then
    local message, hint = group.problem.message, group.problem.hint or ""
    local from, to = string.find(message, group.names[1] or "\0", 1, true)
    if from and group.count > 1 then
      message = string.sub(message, 1, from - 1) .. "…" .. string.sub(message, to + 1)
    end
    return hint ~= "" and message .. " " .. hint or message
  end
  return textOf(group.reason) or group.reason
end

function Summary.new()
  return setmetatable({ groups = {}, byKey = {}, counts = {}, hasProblems = false }, Summary)
end

-- Count one photo or clip. problem: { code, message, hint }, when the daemon gave the reason.
function Summary:add(reason, path, problem)
  local key = problem and "problem " .. problem.code or reason
  local group = self.byKey[key]
  if not group then
    group = { reason = reason, problem = problem, count = 0, names = {} }
    self.byKey[key] = group
    self.groups[#self.groups + 1] = group
  end
  group.count = group.count + 1
  self.counts[reason] = (self.counts[reason] or 0) + 1
  self.hasProblems = self.hasProblems or problem ~= nil
  if path and #group.names < NAMES_SHOWN then
    local _, name = Paths.split(path)
    group.names[#group.names + 1] = name
  end
end

-- Count something many times.
function Summary:count(reason, count)
  for _ = 1, count do
    self:add(reason)
  end
end

function Summary:text()
  local lines = {}
  for _, group in ipairs(self.groups) do
    lines[#lines + 1] = string.format("%s: %d", title(group), group.count)
    if group.reason ~= "done" and group.reason ~= "imported" and #group.names > 0 then
      local more = group.count > #group.names and ", …" or ""
      lines[#lines + 1] = "    " .. table.concat(group.names, ", ") .. more
    end
  end
  return table.concat(lines, "\n")
end

function Summary:show(heading)
  for _, group in ipairs(self.groups) do
    Log.result(group.problem and group.problem.code or group.reason, group.count, group.problem ~= nil)
  end
  local text = self:text()
  if text == "" then
    text = LOC "$$$/Afterframe/Summary/Nothing=There was nothing to do."
  end
  LrDialogs.message(heading, text, self.hasProblems and "warning" or "info")
end

return Summary

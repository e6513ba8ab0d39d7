-- What can go wrong between the plug-in and the daemon, in words for the photographer: { code, message, hint, status }.

local json = require "json"

local Problems = {}

-- The daemon may have gone, and somebody else may have its address.
Problems.GONE = { down = true, token = true, lost = true, unknown_host = true }

local function downHint()
  return LOC "$$$/Afterframe/Problem/DownHint=Start it in File > Plug-in Manager > Afterframe, or check the address."
end

local function addressHint()
  return LOC "$$$/Afterframe/Problem/StrangerHint=Check the address in the Plug-in Manager."
end

local function tryAgain()
  return LOC "$$$/Afterframe/Problem/SlowHint=The computer may be busy. Try again."
end

local function wrongToken(address, status)
  return {
    code = "token",
    status = status,
    message = LOC "$$$/Afterframe/Problem/Token=Afterframe does not accept the token.",
    hint = LOC(
      "$$$/Afterframe/Problem/TokenHint=Paste the token of the Afterframe at ^1 into the Plug-in Manager.",
      address
    ),
  }
end

-- By the error codes of LrHttp.
local EXPLAINED = {
  authenticationError = wrongToken, -- macOS may give it in place of a 401
  timedOut = function(address)
    return {
      code = "slow",
      message = LOC("$$$/Afterframe/Problem/Slow=Afterframe at ^1 did not respond in time.", address),
      hint = tryAgain(),
    }
  end,
  networkConnectionLost = function(address)
    return {
      code = "lost",
      message = LOC("$$$/Afterframe/Problem/Lost=The connection to Afterframe at ^1 was lost.", address),
      hint = tryAgain(),
    }
  end,
  cannotFindHost = function(address)
    return {
      code = "unknown_host",
      message = LOC("$$$/Afterframe/Problem/UnknownHost=There is no computer of the name in ^1.", address),
      hint = addressHint(),
    }
  end,
}

-- Nothing answered. info: as LrHttp gives it.
function Problems.unreachable(address, info)
  local code = info and info.error and info.error.errorCode or "unknown"
  local explain = EXPLAINED[code]
  return explain and explain(address)
    or {
      code = "down",
      message = LOC("$$$/Afterframe/Problem/Down=Afterframe is not responding at ^1 (^2).", address, code),
      hint = downHint(),
    }
end

-- Somebody answers who does not hold the token: that was pasted for another daemon, or ours is not running and another
-- program has its address.
function Problems.unproven(address, pasted)
  if pasted then
    return wrongToken(address, 200)
  end
  return {
    code = "down",
    status = 200,
    message = LOC("$$$/Afterframe/Problem/NotOurs=Afterframe is not running; another program answers at ^1.", address),
    hint = downHint(),
  }
end

-- An answer that says no, or that is not the daemon's.
function Problems.refused(address, status, body)
  local answer = body and json.decode(body)
  local problem = type(answer) == "table" and answer.error
  if status == 401 then
    return wrongToken(address, status)
  elseif type(problem) ~= "table" or type(problem.message) ~= "string" then
    return {
      code = "stranger",
      status = status,
      message = LOC("$$$/Afterframe/Problem/Stranger=The server at ^1 is not Afterframe (status ^2).", address, status),
      hint = addressHint(),
    }
  end
  return { code = problem.code, status = status, message = problem.message, hint = problem.hint or "" }
end

return Problems

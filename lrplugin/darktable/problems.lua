--- Problems {code, message, hint} as the photographer reads them.
local problems = {}

local function line(problem)
  local hint = problem.hint or ""
  return problem.message .. (hint ~= "" and " " .. hint or "")
end

--- One line for each kind of problem, with how often it came.
function problems.summary(list)
  local counts, order = {}, {}
  for _, problem in ipairs(list) do
    if not counts[problem.code] then
      counts[problem.code] = { line = line(problem), times = 0 }
      order[#order + 1] = problem.code
    end
    counts[problem.code].times = counts[problem.code].times + 1
  end
  local lines = {}
  for index, code in ipairs(order) do
    local times = counts[code].times
    lines[index] = (times > 1 and times .. " times: " or "") .. counts[code].line
  end
  return table.concat(lines, "\n")
end

--- A problem on two lines, for the panel.
function problems.lines(problem)
  return problem.message .. "\n" .. problem.hint
end

return problems

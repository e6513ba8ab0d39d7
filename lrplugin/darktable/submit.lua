--- Photos submitted to the daemon, at most so many in one request.
local Submit = {}
Submit.__index = Submit

local AT_ONCE = 50 -- photos in one request: the daemon reads each before it answers
local READ_S = 600

local BAD_NAME =
  { code = "bad_name", message = "A name is not valid Unicode.", hint = "Rename the photo or its folder." }

--- @param parts.daemon as in the module of this name
-- @param parts.tell shows one line to the photographer
-- @param parts.tag tags an image with its state
function Submit.new(parts)
  return setmetatable(parts, Submit)
end

--- Submit a batch's items {image, path}. Each gets .renders, id -> render; the batch gets .by_render and .problems.
-- @param overrides the recipe's settings that the photographer chose
function Submit:run(batch, overrides)
  for first = 1, #batch.items, AT_ONCE do
    if batch.cancelled then
      return
    end
    local paths = {}
    for index = first, math.min(first + AT_ONCE - 1, #batch.items) do
      paths[#paths + 1] = self:_path(batch, batch.items[index])
    end
    if paths[1] then
      self:_request(batch, paths, overrides)
    end
  end
end

--- The path that the daemon knows an item by; nil and a problem in the batch when JSON cannot carry it.
function Submit:_path(batch, item)
  item.renders, item.progress = {}, 0
  local path = self.daemon:there(item.path)
  if utf8.len(path) then
    batch.by_path[path] = item
    return path
  end
  batch.problems[#batch.problems + 1] = BAD_NAME
  return nil
end

function Submit:_request(batch, paths, overrides)
  local body = { photos = paths, recipe = next(overrides) and overrides or nil }
  local answer, problem = self.daemon:ask("/api/animate", body, READ_S)
  if not answer then
    batch.problems[#batch.problems + 1] = problem
    return
  end
  self:_allow(answer, body)
  for _, render in ipairs(answer.renders) do
    local item = batch.by_path[render.photo]
    item.renders[render.id] = render
    batch.by_render[render.id] = item
    self.tag(item.image, "queued")
  end
  for _, refused in ipairs(answer.refused) do
    batch.problems[#batch.problems + 1] = refused.reason
    self.tag(batch.by_path[refused.path].image, "failed")
  end
end

--- Photos outside the daemon's folders: to ask for them is to let it read them. Ask once more.
function Submit:_allow(answer, body)
  local folders, again, refused = {}, {}, {}
  for _, entry in ipairs(answer.refused) do
    if entry.reason.code == "not_allowed" then
      folders[entry.path:match "^(.+)[/\\]" or ""] = true
      again[#again + 1] = entry.path
    else
      refused[#refused + 1] = entry
    end
  end
  for folder in pairs(folders) do
    if self.daemon:ask("/api/folders", { path = folder, watch = false }) then
      self.tell("Afterframe may now read " .. folder)
    end
  end
  local more = again[1] and self.daemon:ask("/api/animate", { photos = again, recipe = body.recipe }, READ_S)
  if more then
    answer.refused = table.move(more.refused, 1, #more.refused, #refused + 1, refused)
    table.move(more.renders, 1, #more.renders, #answer.renders + 1, answer.renders)
  end
end

return Submit

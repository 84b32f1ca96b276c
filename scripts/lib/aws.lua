-- All pages of one AWS read, up to a bound.
--
-- Services name their tokens in a handful of ways, so which is meant is read
-- off the answer; a page may be empty and still carry a token, so only the
-- missing token is the end. A bound is always there: a log group has no end at
-- three in the morning. It asks through the ctx it is given, one effect a page,
-- so each page has its slot and a re-run asks none twice. It will never read a
-- cut list as a whole one: who stops early is told why.

local aws = {}

local MAX_PAGES = 10
local MAX_ITEMS = 10000

-- { in the answer, in the next question }, the more special ones first.
local TOKENS = {
  { "NextContinuationToken", "ContinuationToken" },
  { "nextForwardToken", "nextToken" },
  { "nextToken", "nextToken" },
  { "NextToken", "NextToken" },
  { "NextMarker", "Marker" },
  { "Marker", "Marker" },
  { "marker", "marker" },
  { "LastEvaluatedKey", "ExclusiveStartKey" },
  { "LastEvaluatedTableName", "ExclusiveStartTableName" },
  { "ContinuationToken", "ContinuationToken" },
}

local function empty(value)
  return value == nil or value == json.null or value == ""
    or (type(value) == "table" and next(value) == nil)
end

-- Where a service says whether there is more, its word goes before the token:
-- some give back the marker that they were asked with. XML says "false".
local function cut_short(answer)
  local more = answer.IsTruncated
  return more == nil or more == true or more == "true"
end

-- The argument and value that ask for what follows, or nil at the end.
function aws.next_page(answer)
  if not cut_short(answer) then return nil end
  for _, names in ipairs(TOKENS) do
    local token = answer[names[1]]
    if not empty(token) then return names[2], token end
  end
  return nil
end

-- The events of one log stream never end; the same token means: no more yet.
local function stands(answer, token)
  return token ~= nil and answer.nextForwardToken == token
end

-- "a.b" of an answer; a list that is not there has no items.
local function items_at(answer, path)
  for name in path:gmatch("[^%.]+") do
    if type(answer) ~= "table" then return {} end
    answer = answer[name]
  end
  return type(answer) == "table" and answer or {}
end

local function copy(args)
  local copied = {}
  for name, value in pairs(args) do copied[name] = value end
  return copied
end

-- True when the bound on items is reached before the page's end.
local function take(found, page, most)
  for _, item in ipairs(page) do
    if #found >= most then return true end
    found[#found + 1] = item
  end
  return false
end

-- items, stopped, err = aws.pages(ctx, "logs:FilterLogEvents", args, "events",
--   { max_pages = 10, max_items = 10000, try = false, where = { region = } })
-- `stopped` is nil when all was read, else why not. With `try`, an error ends
-- the reading as well, and comes third; without, it is raised.
function aws.pages(ctx, operation, args, path, options)
  options = options or {}
  local ask = options.try and ctx.try.aws or ctx.aws
  local most = options.max_items or MAX_ITEMS
  local last = options.max_pages or MAX_PAGES
  local found, asked = json.array {}, copy(args)
  for _ = 1, last do
    local answer, err = ask(operation, asked, options.where)
    if not answer then return found, err.text, err end
    if take(found, items_at(answer, path), most) then
      return found, "not read beyond " .. most .. " items"
    end
    local name, token = aws.next_page(answer)
    if not name or stands(answer, asked[name]) then return found, nil end
    asked = copy(asked)
    asked[name] = token
  end
  return found, "not read beyond " .. last .. " pages"
end

return aws

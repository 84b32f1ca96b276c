-- Log lines to patterns: what differs from line to line is masked, what is
-- left is counted.
--
-- "user 17 timed out after 3002 ms" and "user 4 timed out after 2999 ms" are
-- one thing that happened twice. Ids, addresses, hex and numbers are masked in
-- that order, the special ones first, since the general ones would eat them.
-- Counting is by exact masked text; no clustering, so that two readers of the
-- same lines always see the same patterns. It never asks the world.

local time = require "lib.time"

local SAMPLES = 3
local LENGTH = 200

local MASKS = {
  { "%x%x%x%x%x%x%x%x%-%x%x%x%x%-%x%x%x%x%-%x%x%x%x%-%x+", "<id>" },
  { "%d%d%d%d%-%d%d%-%d%d[T ]%d%d:%d%d:%d%d[%.,%dZ]*", "<time>" },
  { "%d+%.%d+%.%d+%.%d+:?%d*", "<address>" },
  { "0x%x+", "<hex>" },
}

local logs = {}

-- The words that make a line an error, as a CloudWatch Logs filter: any of.
logs.FILTER = "?ERROR ?Error ?error ?FATAL ?Fatal ?fatal ?panic ?PANIC "
  .. "?Exception ?Traceback ?CRITICAL ?OutOfMemory ?timeout"

-- The first bytes of a text, without half a UTF-8 character at the cut.
local function cut(text, length)
  if #text <= length then return text end
  return (text:sub(1, length):gsub("[\192-\255][\128-\191]*$", ""))
end

-- A word of hex digits counts as an id only with a digit and a letter in it
-- and from eight characters on: "deadbeef" and "added" are words.
local function mask_word(word)
  if #word >= 8 and word:find("^%x+$") and word:find("%d")
      and word:find("%a") then
    return "<hex>"
  end
  return nil
end

function logs.mask(message)
  local text = cut(message, LENGTH * 4)
  for _, mask in ipairs(MASKS) do
    text = text:gsub(mask[1], mask[2])
  end
  text = text:gsub("%w+", mask_word)
  text = text:gsub("%d+%.?%d*", "<n>")
  text = text:gsub("%s+", " "):gsub("^ ", ""):gsub(" $", "")
  return cut(text, LENGTH)
end

local function add(groups, by_pattern, event)
  local pattern = logs.mask(event.message)
  local group = by_pattern[pattern]
  if not group then
    group = { pattern = pattern, count = 0, samples = json.array {},
              first_ms = event.timestamp, last_ms = event.timestamp }
    by_pattern[pattern] = group
    groups[#groups + 1] = group
  end
  group.count = group.count + 1
  group.first_ms = math.min(group.first_ms, event.timestamp)
  group.last_ms = math.max(group.last_ms, event.timestamp)
  if #group.samples < SAMPLES then
    group.samples[#group.samples + 1] = cut(event.message, LENGTH * 2)
  end
end

-- Patterns of { message, timestamp } events, the most frequent first; of equal
-- ones the one seen first.
function logs.group(events)
  local groups, by_pattern = json.array {}, {}
  for _, event in ipairs(events) do add(groups, by_pattern, event) end
  table.sort(groups, function(a, b)
    if a.count ~= b.count then return a.count > b.count end
    if a.first_ms ~= b.first_ms then return a.first_ms < b.first_ms end
    return a.pattern < b.pattern
  end)
  return groups
end

-- The first `most` groups with their moments as text, ready for an output.
function logs.report(groups, most)
  local list = json.array {}
  for i = 1, math.min(most, #groups) do
    local group = groups[i]
    list[i] = {
      pattern = group.pattern, count = group.count, samples = group.samples,
      first_at = time.text(group.first_ms), last_at = time.text(group.last_ms),
    }
  end
  return list
end

-- How many lines belong to patterns that were never seen before a moment.
function logs.new_since(groups, ms)
  local count = 0
  for _, group in ipairs(groups) do
    if group.first_ms >= ms then count = count + group.count end
  end
  return count
end

return logs

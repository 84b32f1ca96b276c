-- The part of the library that calls back into scripts.
--
-- A C function that calls a comparator or a replacement cannot be interrupted
-- between two calls and cannot let them yield. Written in Lua, every step is
-- seen by the hook, and what the script's function does is its own affair.
-- Nothing here trusts what such a function returns: an order that contradicts
-- itself gives some order, never a loop or a read behind the end.

local globals = ...
local error, pcall, select, type = error, pcall, select, type
local concat = table.concat
local scan, make_gsub = string.scan, string.make_gsub

string.scan, string.make_gsub = nil, nil

-- The handler runs after pcall has returned. Called by Lua at the place of the
-- error it would run inside the hook that raised it, where hooks are off, and
-- could go on for ever.
local function settle(handler, ok, ...)
  if ok then
    return true, ...
  end
  local _, answer = pcall(handler, (...))
  return false, answer
end

function globals.xpcall(body, handler, ...)
  if type(handler) ~= "function" then
    error("bad argument #2 to 'xpcall' (function expected, got "
      .. type(handler) .. ")", 2)
  end
  return settle(handler, pcall(body, ...))
end

-- What stands for a match: the answer, or the match itself when the answer is
-- nil or false. Errors are the caller's of gsub: pick, each, gsub, script.
local function pick(answer, whole)
  if not answer then
    return whole
  end
  local kind = type(answer)
  if kind ~= "string" and kind ~= "number" then
    error("invalid replacement value (a " .. kind .. ")", 4)
  end
  return answer
end

local function ask(lookup, first, ...)
  if type(lookup) == "table" then
    return lookup[first]
  end
  return lookup(first, ...)
end

-- scan() -> first, last, captures...; the rest is handed on without a table.
local function replace(lookup, first, last, ...)
  if first then
    return first, last, ask(lookup, ...)
  end
end

-- gsub with a function or a table. The parts between matches and the answers
-- are joined once, at the end.
local function each(text, pattern, lookup, most)
  local parts, size, count = {}, 0, 0
  local one = type(lookup) == "table"
  local from, stop = 1, 0
  while count < most do
    local first, last, answer =
      replace(lookup, scan(text, pattern, from, stop, one))
    if not first then
      break
    end
    parts[size + 1] = text:sub(from, first - 1)
    parts[size + 2] = pick(answer, text:sub(first, last))
    size, count = size + 2, count + 1
    from, stop = last + 1, last + 1
  end
  parts[size + 1] = text:sub(from)
  return concat(parts), count
end

string.gsub = make_gsub(each)

local function less(a, b)
  return a < b
end

-- The type that all of them have, or nil.
local function type_of_all(list, size)
  local kind = type(list[1])
  for i = 2, size do
    if type(list[i]) ~= kind then
      return nil
    end
  end
  return kind
end

-- Numbers and strings compare among their own; other values may know how to,
-- by __lt. What surely does not is said here, where the script's line is known.
local function check_order(list, size)
  local kind = type_of_all(list, size)
  if kind == "number" or kind == "string" or kind == "table" then
    return
  end
  for i = 2, size do
    local a, b = type(list[i - 1]), type(list[i])
    if a ~= "table" and b ~= "table" and
      (a ~= b or a ~= "number" and a ~= "string") then
      error(a == b and "attempt to compare two " .. a .. " values"
        or "attempt to compare " .. a .. " with " .. b, 3)
    end
  end
end

-- Insertion within blocks of eight, before the merging begins.
local function sort_block(list, first, last, before)
  for i = first + 1, last do
    local value, at = list[i], i
    while at > first and before(value, list[at - 1]) do
      list[at] = list[at - 1]
      at = at - 1
    end
    list[at] = value
  end
end

-- Merges from[left..middle] and from[middle+1..right]; equal ones keep their
-- order, since the right one goes first only when it is less.
local function merge(from, to, left, middle, right, before)
  local a, b = left, middle + 1
  for i = left, right do
    if b > right or a <= middle and not before(from[b], from[a]) then
      to[i], a = from[a], a + 1
    else
      to[i], b = from[b], b + 1
    end
  end
end

local BLOCK <const> = 8

local function merge_all(from, size, before)
  local to, width = {}, BLOCK
  while width < size do
    for left = 1, size, 2 * width do
      local middle = left + width - 1
      local right = middle + width
      merge(from, to, left, middle < size and middle or size,
        right < size and right or size, before)
    end
    from, to, width = to, from, 2 * width
  end
  return from
end

-- table.sort(list, before?): stable, and it changes the list only once the
-- order is known, so an error of `before` leaves it as it was.
function table.sort(list, before)
  if type(list) ~= "table" then
    error("bad argument #1 to 'sort' (table expected, got "
      .. (list == nil and select("#", list) == 0 and "no value" or type(list))
      .. ")", 2)
  end
  local size, copy = #list, {}
  if size > 1 and before ~= nil and type(before) ~= "function" then
    error("bad argument #2 to 'sort' (function expected, got "
      .. type(before) .. ")", 2)
  end
  for i = 1, size do
    copy[i] = list[i]
  end
  if not before then
    check_order(copy, size)
    before = less
  end
  for first = 1, size, BLOCK do
    local last = first + BLOCK - 1
    sort_block(copy, first, last < size and last or size, before)
  end
  copy = merge_all(copy, size, before)
  for i = 1, size do
    list[i] = copy[i]
  end
end

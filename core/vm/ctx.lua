-- The parameter `ctx`: every way in which a script can ask for something.
--
-- Each function yields what it wants to whoever resumed the attempt; nothing
-- here does I/O. An answer comes back as (true, value) or (false, error).
-- A wait is one question that goes on: the engine polls, the script judges.

local ask = ...

local function raising(kind)
  return function(...)
    local ok, answer = ask(kind, ...)
    if not ok then
      error(answer, 0)
    end
    return answer
  end
end

local function trying(kind)
  return function(...)
    local ok, answer = ask(kind, ...)
    if ok then
      return answer
    end
    return nil, answer
  end
end

local function given(value)
  if value == json.null then
    return nil
  end
  return value
end

local doors = { "aws", "github", "prometheus", "http", "notify" }

local ctx = { try = {}, log = {} }
for _, kind in ipairs(doors) do
  ctx[kind] = raising(kind)
  ctx.try[kind] = trying(kind)
end
for _, kind in ipairs({ "now", "random", "uuid", "sleep" }) do
  ctx[kind] = raising(kind)
end
for _, level in ipairs({ "debug", "info", "warn", "error" }) do
  ctx.log[level] = function(message, fields)
    ask("log", level, message, fields or {})
  end
end

ctx.llm, ctx.try.llm = {}, {}
for _, name in ipairs({ "choose", "ask" }) do
  local raise, try = raising("llm"), trying("llm")
  ctx.llm[name] = function(question)
    return raise(name, question)
  end
  ctx.try.llm[name] = function(question)
    return try(name, question)
  end
end

local service = raising("service")
function ctx.service(key)
  return given(service(key))
end

local function wait_for(door, wait)
  if type(wait) ~= "table" or type(wait.done) ~= "function" then
    error({ code = "invalid", text = "wait_for takes { ask, done, … }" }, 0)
  end
  local state, err = door("wait", {
    ask = wait.ask, every = wait.every,
    within = wait.within, stable = wait.stable,
  })
  while state and not state.final do
    local good = wait.done(state.answer)
    state, err = door("judged", good and true or false)
  end
  if not state then
    return nil, err
  end
  return state.ok, given(state.answer)
end

local function door(raise)
  return function(kind, value)
    local ok, answer = ask(kind, value)
    if not ok and raise then
      error(answer, 0)
    end
    return ok and answer or nil, not ok and answer or nil
  end
end

function ctx.wait_for(wait)
  return wait_for(door(true), wait)
end

function ctx.try.wait_for(wait)
  return wait_for(door(false), wait)
end

-- Reads at the same time: { key = { "aws:service:Operation", arguments }, … }
-- gives the answers under the same keys.
local function together(asks)
  local keys, list = {}, {}
  for key, question in pairs(type(asks) == "table" and asks or {}) do
    keys[#keys + 1], list[#list + 1] = key, question
  end
  local ok, given_back = ask("all", list)
  if not ok then
    error(given_back, 0)
  end
  local answers, errors = {}, nil
  for i, key in ipairs(keys) do
    if given_back[i].ok then
      answers[key] = given_back[i].value
    else
      errors = errors or {}
      errors[key] = given_back[i].error
    end
  end
  return answers, errors
end

ctx.try.all = together

function ctx.all(asks)
  local answers, errors = together(asks)
  for _, err in pairs(errors or {}) do
    error(err, 0)
  end
  return answers
end

return ctx

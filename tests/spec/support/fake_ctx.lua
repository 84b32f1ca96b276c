-- A ctx for specs: answers by effect name, a clock that waits move on.
--
-- An answer is a function of the arguments, or a list whose last entry keeps
-- answering; an entry with a `code` is raised. Like the gate it refuses an
-- effect that the node did not declare, so a spec notices a missing line.
-- An answer to a question for a page may be the list alone.
-- `ctx.asked` holds every question in order.

local fake = {}

local STEP_MS = 10000
local WITHIN = { s = 1000, m = 60000 }

local function next_answer(answers, name, args)
  local given = answers[name]
  if given == nil then error("no answer for " .. name, 0) end
  if type(given) == "function" then return given(args) end
  return #given > 1 and table.remove(given, 1) or given[1]
end

-- As the engine names it, for the documents that nodes send: one mutation with
-- one field, or a query.
local function named(name, args)
  if name ~= "github:POST /graphql" then return name end
  local field = args.query:match("^%s*mutation[^{]*{%s*(%w+)")
  return "github:graphql:" .. (field or "query")
end

local function asker(node, answers, asked)
  local declared = {}
  for _, name in ipairs(node.effects) do declared[name] = true end
  return function(asked_for, args, where)
    local name = named(asked_for, args)
    if not declared[name] then error("not declared: " .. name, 0) end
    asked[#asked + 1] = { name = name, args = args, where = where }
    local answer = next_answer(answers, name, args)
    if answer.code then return nil, answer end
    if where and where.pages and not answer.items then
      return { items = answer, next = json.null }
    end
    return answer
  end
end

local function duration(text)
  local number, unit = text:match("^(%d+)(%a)$")
  return tonumber(number) * WITHIN[unit]
end

local function waiter(ctx, ask)
  return function(wait)
    local until_ms = ctx.now_ms + duration(wait.within)
    while true do
      local answer = assert(ask(wait.ask[1], wait.ask[2], wait.ask[3]))
      if wait.done(answer) then return true, answer end
      if ctx.now_ms >= until_ms then return false, answer end
      ctx.now_ms = ctx.now_ms + STEP_MS
    end
  end
end

function fake.ctx(node, answers, now_ms)
  local ctx = { asked = {}, warned = {}, now_ms = now_ms or 0, try = {} }
  local ask = asker(node, answers, ctx.asked)
  for _, kind in ipairs { "aws", "github", "prometheus", "notify" } do
    ctx.try[kind] = function(name, args, where)
      return ask(kind .. ":" .. name, args, where)
    end
    ctx[kind] = function(...)
      local answer, err = ctx.try[kind](...)
      if not answer then error(err, 0) end
      return answer
    end
  end
  ctx.now = function() return ctx.now_ms end
  ctx.sleep = function(s) ctx.now_ms = ctx.now_ms + s * 1000 end
  ctx.uuid = function() return "0a1b2c3d-0000-4000-8000-000000000000" end
  ctx.wait_for = waiter(ctx, ask)
  ctx.log = { info = function() end, debug = function() end,
              warn = function(text) ctx.warned[#ctx.warned + 1] = text end }
  return ctx
end

-- The arguments of every question of this name.
function fake.asked(ctx, name)
  local found = {}
  for _, question in ipairs(ctx.asked) do
    if question.name == name then found[#found + 1] = question.args end
  end
  return found
end

return fake

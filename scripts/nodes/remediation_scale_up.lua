-- Raise the desired count of a service by a step, at most to its maximum.
--
-- Setting a count is the mildest write there is: it replaces no task, it can
-- be read back, and it can be undone. The count to set comes from the count
-- that was read, never from the alert, so that a repeated alert does not
-- climb. The maximum is the owner's word and is never exceeded.
--
-- Undo puts the earlier count back only while the count still is the one this
-- node set: whoever changed it since had a reason. It never scales down
-- anything else.

local catalogue = require "lib.catalogue"
local ecs = require "lib.ecs"

local function look(ctx, key)
  local answer = ctx.aws("ecs:DescribeServices", {
    cluster = key.cluster, services = { key.service },
  }, key.where)
  return ecs.service(answer)
end

local function set(ctx, key, count)
  ctx.aws("ecs:UpdateService", {
    cluster = key.cluster, service = key.service, desiredCount = count,
  }, key.where)
end

-- The counts of a visit, from its output or, when it died before it had one,
-- from its write and the answer that was read before it.
local function counts(state)
  if state.output and state.output.to then
    return state.output.from, state.output.to
  end
  local write = state.writes[1]
  local before = write and write.before and ecs.service(write.before)
  if not before then return nil end
  return before.desiredCount, write.request.desiredCount
end

return {
  about    = "Raise the desired count of an ECS service.",
  input    = { service = "map", by = "integer?" },
  output   = { from = "integer?", to = "integer?", running = "boolean?" },
  outcomes = { "scaled", "short", "at_limit", "gone" },
  effects  = { "aws:ecs:DescribeServices", "aws:ecs:UpdateService" },
  risk     = "low",
  timeout  = "8m",
  retry    = { times = 3, backoff = "1s", on = { "throttled", "timeout" } },

  run = function(ctx, input)
    local key = catalogue.key(input.service)
    local service = look(ctx, key)
    if not service then return "gone" end

    local from = service.desiredCount
    local most = math.tointeger(input.service.max) or from
    local to = math.min(from + (input.by or 1), most)
    if to <= from then return "at_limit", { from = from, to = from } end

    set(ctx, key, to)
    local running = ctx.wait_for {
      ask = { "aws:ecs:DescribeServices",
              { cluster = key.cluster, services = { key.service } },
              key.where },
      done = function(answer)
        local found = ecs.service(answer)
        return found ~= nil and found.runningCount >= to
      end,
      every = "10s", within = "5m",
    }
    return running and "scaled" or "short",
      { from = from, to = to, running = running }
  end,

  undo = function(ctx, input, state)
    local key = catalogue.key(input.service)
    local from, to = counts(state)
    local service = look(ctx, key)
    if not from or not service then return "failed" end
    if service.desiredCount == from then return "undone" end
    if service.desiredCount ~= to then
      ctx.log.warn("somebody changed the count since", {
        set = to, found = service.desiredCount,
      })
      return "failed"
    end
    set(ctx, key, from)
    return "undone"
  end,
}

-- Await the end of a rollout that is in progress.
--
-- Waiting is the action: a rollout may be the cure already under way, and
-- whatever is done beside it would disturb it. The circuit breaker ends a
-- rollout as COMPLETED or FAILED, or rolls it back, which is a rollout again;
-- the wait therefore asks only whether one goes on.
--
-- It does not say whether the service is well: look again for that.

local catalogue = require "lib.catalogue"
local ecs = require "lib.ecs"

local function over(answer)
  local service = ecs.service(answer)
  return service == nil or not ecs.rolling(service)
end

return {
  about    = "Await the end of an ECS rollout.",
  input    = { service = "map" },
  output   = { deployment = "string?", state = "string?" },
  outcomes = { "over", "still_rolling", "gone" },
  effects  = { "aws:ecs:DescribeServices" },
  risk     = "low",
  timeout  = "12m",
  retry    = { times = 3, backoff = "1s", on = { "throttled", "timeout" } },

  run = function(ctx, input)
    local key = catalogue.key(input.service)
    local ended, answer = ctx.wait_for {
      ask = { "aws:ecs:DescribeServices",
              { cluster = key.cluster, services = { key.service } },
              key.where },
      done = over, every = "15s", within = "10m",
    }
    local service = ecs.service(answer)
    if not service then return "gone" end
    local primary = ecs.primary(service) or {}
    return ended and "over" or "still_rolling",
      { deployment = primary.id, state = primary.rolloutState }
  end,
}

-- Restart a service: force a new deployment of the revision that it runs.
--
-- A deployment and not a kill of tasks: ECS keeps the old tasks serving until
-- the new ones pass their health checks, so the worst case is that nothing
-- changes. The wait is for the id of the deployment this node made, because
-- somebody else's may become steady meanwhile.
--
-- It refuses while a rollout is in progress: another forced deployment would
-- only reset the circuit breaker's count. It never changes the revision.

local catalogue = require "lib.catalogue"
local ecs = require "lib.ecs"

return {
  about    = "Force a new deployment of an ECS service and await it.",
  input    = { service = "map" },
  output   = { deployment = "string?", steady = "boolean?" },
  outcomes = { "restarted", "stuck", "busy", "gone" },
  effects  = { "aws:ecs:DescribeServices", "aws:ecs:UpdateService" },
  risk     = "medium",
  timeout  = "8m",
  retry    = { times = 3, backoff = "1s", on = { "throttled", "timeout" } },
  irreversible = true,   -- the tasks that were replaced do not come back

  run = function(ctx, input)
    local key = catalogue.key(input.service)
    local look = { cluster = key.cluster, services = { key.service } }
    local service = ecs.service(
      ctx.aws("ecs:DescribeServices", look, key.where))

    if not service then return "gone" end
    if ecs.rolling(service) then return "busy" end

    local updated = ctx.aws("ecs:UpdateService", {
      cluster = key.cluster, service = key.service, forceNewDeployment = true,
    }, key.where)
    local id = (ecs.primary(updated.service) or {}).id

    local steady = ctx.wait_for {
      ask = { "aws:ecs:DescribeServices", look, key.where },
      done = function(answer) return ecs.steady_on(answer, id) end,
      every = "10s", within = "5m",
    }
    return steady and "restarted" or "stuck",
      { deployment = id, steady = steady }
  end,
}

-- The evidence about one service: the parts that follow from ECS's answer
-- alone, and whether the whole says anything.
--
-- The analyst asks, these functions read. Evidence is a plain table that goes
-- to the decision and to the hand-over; what is not known is absent from it
-- and named in `missing`, since a zero would look like a measurement.

local ecs = require "lib.ecs"
local time = require "lib.time"

local BEFORE_MS = 15 * time.MINUTE    -- of logs and stopped tasks, at least
local FRESH_MS = 60 * time.MINUTE     -- a deploy this close may be the cause
local LATE_MS = 2 * time.MINUTE       -- a cause may carry a later time stamp
local EVENTS = 8

local evidence = {}

local function failed_checks(events)
  local count = 0
  for _, event in ipairs(events) do
    local said = event.message
    if said:find("unhealthy", 1, true) or said:find("health check", 1, true)
    then
      count = count + 1
    end
  end
  return count
end

local function fresh_deploy(service, start_ms)
  local deploy, created = ecs.deployed_between(service, start_ms - FRESH_MS,
    start_ms + LATE_MS)
  if not deploy then return nil end
  return {
    id = deploy.id, state = deploy.rolloutState,
    created_at = time.text(created), task_definition = deploy.taskDefinition,
  }, created
end

-- Evidence of a service's description, and the moment from which logs and
-- stopped tasks matter: before the alert, and before a deploy that may have
-- caused it, so that what is new since the deploy can be told.
function evidence.of(service, start_ms, now_ms)
  local deploy, created = fresh_deploy(service, start_ms)
  local from_ms = math.min(start_ms - BEFORE_MS,
    (created or start_ms) - LATE_MS)
  local events = ecs.events(service, from_ms, EVENTS)
  return {
    at = time.text(now_ms), missing = json.array {},
    desired = service.desiredCount, running = service.runningCount,
    pending = service.pendingCount or 0, steady = ecs.steady(service),
    rolling = ecs.rolling(service), rollout_failed = ecs.failed(service),
    deployments = ecs.deployments(service), fresh_deploy = deploy,
    events = events, failed_checks = failed_checks(events),
  }, from_ms
end

-- Evidence of a service that is not there.
function evidence.of_nothing(now_ms)
  return { at = time.text(now_ms), gone = true, missing = json.array {} }
end

-- Note that something could not be seen, and why.
function evidence.lacks(e, what, why)
  e.missing[#e.missing + 1] = what .. ": " .. why
end

function evidence.ill(e)
  return e.health ~= nil and e.health > e.health_threshold
end

function evidence.saturated(e)
  return e.saturation ~= nil and e.saturation >= e.saturation_threshold
end

-- Whether anything in it is worth weighing.
function evidence.tells(e)
  return e.rolling or e.rollout_failed or e.fresh_deploy ~= nil
    or e.running < e.desired or e.failed_checks > 0
    or e.stops.crashed > 0 or e.stops.unhealthy > 0
    or (e.errors ~= nil and e.errors.total > 0)
    or evidence.ill(e) or evidence.saturated(e)
end

return evidence

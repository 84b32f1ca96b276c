-- What an ECS answer says: is there a service, does it roll, is it steady?
--
-- The rules are in one place because five nodes ask the same questions and a
-- wait's `done` must give the same answer as the look before it. A rollout is
-- judged by the primary deployment's rolloutState; services with an external
-- controller have none, there a second deployment means that one is going on.
-- Nothing here asks the world.

local time = require "lib.time"

local ecs = {}

-- The service of a DescribeServices answer, or nil when it is not there. A
-- draining service is on its way out and counts as gone.
function ecs.service(answer)
  local service = answer.services and answer.services[1]
  if service and service.status == "ACTIVE" then return service end
  return nil
end

function ecs.primary(service)
  for _, deployment in ipairs(service.deployments or {}) do
    if deployment.status == "PRIMARY" then return deployment end
  end
  return nil
end

function ecs.rolling(service)
  local primary = ecs.primary(service)
  if primary and primary.rolloutState then
    return primary.rolloutState == "IN_PROGRESS"
  end
  return #(service.deployments or {}) > 1
end

function ecs.failed(service)
  local primary = ecs.primary(service)
  return primary ~= nil and primary.rolloutState == "FAILED"
end

-- One deployment, nothing rolling, and as many tasks as are wanted.
function ecs.steady(service)
  return #(service.deployments or {}) <= 1
    and not ecs.rolling(service) and not ecs.failed(service)
    and service.runningCount == service.desiredCount
    and (service.pendingCount or 0) == 0
end

-- Steady on the deployment with this id, in one DescribeServices answer.
function ecs.steady_on(answer, id)
  local service = ecs.service(answer)
  local primary = service and ecs.primary(service)
  return primary ~= nil and primary.id == id and ecs.steady(service)
end

-- The newest deployment that was created from one moment to another.
function ecs.deployed_between(service, from_ms, to_ms)
  local newest, newest_ms
  for _, deployment in ipairs(service.deployments or {}) do
    local created = time.ms(deployment.createdAt)
    if created and created >= from_ms and created <= to_ms
        and (not newest or created > newest_ms) then
      newest, newest_ms = deployment, created
    end
  end
  return newest, newest_ms
end

function ecs.deployments(service)
  local list = json.array {}
  for _, deployment in ipairs(service.deployments or {}) do
    local created = time.ms(deployment.createdAt)
    list[#list + 1] = {
      id = deployment.id,
      status = deployment.status,
      state = deployment.rolloutState,
      failed_tasks = deployment.failedTasks,
      task_definition = deployment.taskDefinition,
      created_at = created and time.text(created),
    }
  end
  return list
end

-- The service's own words since a moment, newest first, at most `most`.
function ecs.events(service, from_ms, most)
  local list = json.array {}
  for _, event in ipairs(service.events or {}) do
    local at = time.ms(event.createdAt)
    if at and at >= from_ms and #list < most then
      list[#list + 1] = { at = time.text(at), message = event.message }
    end
  end
  return list
end

local function exit_of(task)
  for _, container in ipairs(task.containers or {}) do
    if container.exitCode and container.exitCode ~= 0 then
      return container.exitCode, container.reason, container.name
    end
  end
  return nil
end

local CRASHED = { EssentialContainerExited = true, TaskFailedToStart = true }

-- Stopped tasks since a moment: how many fell over by themselves, how many
-- were taken away for failing a health check, and why, in ECS's words.
function ecs.stops(tasks, from_ms)
  local stops = { crashed = 0, unhealthy = 0, samples = json.array {} }
  for _, task in ipairs(tasks or {}) do
    local at = time.ms(task.stoppedAt)
    local reason = task.stoppedReason or ""
    local crashed = CRASHED[task.stopCode] == true
    local unhealthy = not crashed and reason:find("health check", 1, true)
    if at and at >= from_ms and (crashed or unhealthy) then
      stops.crashed = stops.crashed + (crashed and 1 or 0)
      stops.unhealthy = stops.unhealthy + (unhealthy and 1 or 0)
      if #stops.samples < 3 then
        local code, why, container = exit_of(task)
        stops.samples[#stops.samples + 1] = {
          at = time.text(at), reason = reason, exit_code = code,
          container = container, container_reason = why,
        }
      end
    end
  end
  return stops
end

-- awslogs-group and its region, from the first container that has them.
function ecs.log_options(task_definition)
  for _, container in ipairs(task_definition.containerDefinitions or {}) do
    local logs = container.logConfiguration
    if logs and logs.logDriver == "awslogs" and logs.options then
      return logs.options["awslogs-group"], logs.options["awslogs-region"]
    end
  end
  return nil
end

return ecs

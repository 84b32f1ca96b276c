-- ECS descriptions for specs: one service, and what a spec says about it.

local answers = {}

function answers.deployment(id, fields)
  local deployment = { id = id, status = "PRIMARY", createdAt = 1000,
                       rolloutState = "COMPLETED" }
  for key, value in pairs(fields or {}) do deployment[key] = value end
  return deployment
end

function answers.service(fields)
  local service = {
    serviceName = "checkout", status = "ACTIVE", desiredCount = 3,
    runningCount = 3, pendingCount = 0, taskDefinition = "checkout:41",
    deployments = { answers.deployment "d1" }, events = {}, tags = {},
  }
  for key, value in pairs(fields or {}) do service[key] = value end
  return service
end

function answers.described(fields)
  return { services = { answers.service(fields) }, failures = {} }
end

return answers

-- Look at the failing service: its deployments, its stopped tasks, its logs
-- around the alert's start, its health and its saturation.
--
-- One node gathers all of it, because each later rule weighs several of these
-- against each other and must see one moment. ECS itself must answer; every
-- other source is optional, and what could not be had is listed in
-- `evidence.missing` so that people and rules know what was not seen.
--
-- It draws no conclusion and never guesses a log group, a repository or a
-- query that nobody configured.

local aws = require "lib.aws"
local catalogue = require "lib.catalogue"
local ecs = require "lib.ecs"
local evidence = require "lib.evidence"
local logs = require "lib.logs"
local prometheus = require "lib.prometheus"
local time = require "lib.time"

local AFTER_MS = 15 * time.MINUTE     -- of logs behind the alert's start
local PAGES = 10                      -- of logs; a page may be empty
local PATTERNS = 8

local function described(ctx, row)
  local key = catalogue.key(row)
  local answer, err = ctx.try.aws("ecs:DescribeServices", {
    cluster = key.cluster, services = { key.service }, include = { "TAGS" },
  }, key.where)
  if answer then return ecs.service(answer) end
  if err.code == "not_found" then return nil end
  error(err)
end

local function task_definition(ctx, row, service, e)
  if not service.taskDefinition then return nil end
  local answer, err = ctx.try.aws("ecs:DescribeTaskDefinition", {
    taskDefinition = service.taskDefinition,
  }, catalogue.key(row).where)
  if answer then return answer.taskDefinition end
  evidence.lacks(e, "task definition", err.text)
  return nil
end

local function stopped_tasks(ctx, facts, e)
  local where = catalogue.key(facts).where
  local listed, err = ctx.try.aws("ecs:ListTasks", {
    cluster = facts.cluster, serviceName = facts.service,
    desiredStatus = "STOPPED", maxResults = 100,
  }, where)
  if listed and #listed.taskArns == 0 then return {} end
  local answer
  if listed then
    answer, err = ctx.try.aws("ecs:DescribeTasks", {
      cluster = facts.cluster, tasks = listed.taskArns,
    }, where)
  end
  if answer then return answer.tasks end
  evidence.lacks(e, "stopped tasks", err.text)
  return {}
end

-- Where the logs are: the log driver may write to another region.
local function log_where(facts)
  local region = facts.log_region or facts.region
  if not region and not facts.account then return nil end
  return { account = facts.account, region = region }
end

local function log_events(ctx, facts, e, from_ms, to_ms)
  local found, stopped, err = aws.pages(ctx, "logs:FilterLogEvents", {
    logGroupName = facts.log_group, filterPattern = logs.FILTER,
    startTime = from_ms, endTime = to_ms, limit = 1000,
  }, "events", { max_pages = PAGES, try = true, where = log_where(facts) })
  if stopped then evidence.lacks(e, "logs", stopped) end
  if err and #found == 0 then return nil end
  return found
end

local function add_errors(ctx, facts, e, from_ms, to_ms)
  if not facts.log_group then
    return evidence.lacks(e, "logs", "no log group is known")
  end
  local events = log_events(ctx, facts, e, from_ms, to_ms)
  if not events then return end
  local groups = logs.group(events)
  e.errors = { total = #events, patterns = logs.report(groups, PATTERNS) }
  if e.fresh_deploy then
    e.new_errors = logs.new_since(groups, time.ms(e.fresh_deploy.created_at))
  end
end

local function measured(ctx, facts, e, what)
  if not facts[what] then
    evidence.lacks(e, what, "no query is known")
    return nil
  end
  local body, err = ctx.try.prometheus("query", { query = facts[what] })
  local value = prometheus.value(body)
  if not value then
    evidence.lacks(e, what, err and err.text or "the query has no sample")
  end
  return value
end

return {
  about    = "Gather evidence about one ECS service around an alert's start.",
  input    = { service = "map", incident = "map", waits = "list?" },
  output   = { service = "map", evidence = "map" },
  outcomes = { "found", "nothing", "gone" },
  effects  = {
    "aws:ecs:DescribeServices", "aws:ecs:DescribeTaskDefinition",
    "aws:ecs:ListTasks", "aws:ecs:DescribeTasks",
    "aws:logs:FilterLogEvents", "prometheus:query",
  },
  risk     = "low",
  timeout  = "2m",
  retry    = { times = 3, backoff = "1s", on = { "throttled", "timeout" } },

  run = function(ctx, input)
    local start_ms, now_ms = input.incident.started_ms, ctx.now()
    local service = described(ctx, input.service)
    if not service then
      return "gone", { service = catalogue.key(input.service),
                       evidence = evidence.of_nothing(now_ms) }
    end

    local e, from_ms = evidence.of(service, start_ms, now_ms)
    local definition = task_definition(ctx, input.service, service, e)
    local facts = catalogue.facts(input.service, input.incident, service,
      definition)

    e.stops = ecs.stops(stopped_tasks(ctx, facts, e), from_ms)
    add_errors(ctx, facts, e, from_ms, math.min(now_ms, start_ms + AFTER_MS))
    e.health_threshold = facts.health_threshold
    e.saturation_threshold = facts.saturation_threshold
    e.health = measured(ctx, facts, e, "health")
    e.saturation = measured(ctx, facts, e, "saturation")

    -- After a wait, "nothing to see" is news that the decision must hear.
    local looked_again = #(input.waits or {}) > 0
    local found = looked_again or evidence.tells(e)
    return found and "found" or "nothing", { service = facts, evidence = e }
  end,
}

-- Prove by the service's health query that it is well again.
--
-- The same query is asked for times before the run acted and, after a
-- stabilisation window, for now. The past samples carry a time and the present
-- ones do not, so that a replay and a dry run can tell them apart. Several
-- samples each, because one good scrape proves nothing. When nothing was done
-- the past lies before the incident, and nothing can be worse by our hand.
--
-- A sample that is missing on either side, or a query that did not see the
-- failure, makes the verdict unknown: it never reads silence as health.

local prometheus = require "lib.prometheus"
local time = require "lib.time"

local SAMPLES = 3
local EVERY_S = 15                    -- unless the catalogue says otherwise
local BEFORE_ACTING_MS = 15 * time.SECOND
local BEFORE_INCIDENT_MS = 10 * time.MINUTE

local function sample(ctx, query, at_ms)
  local body, err = ctx.try.prometheus("query", {
    query = query, time = at_ms and time.text(at_ms),
  })
  if err then ctx.log.warn("no sample", { reason = err.text }) end
  return prometheus.value(body)
end

-- The past, oldest first; the list is short where samples are missing.
local function past(ctx, query, until_ms, every)
  local numbers = json.array {}
  for i = SAMPLES - 1, 0, -1 do
    numbers[#numbers + 1] = sample(ctx, query,
      until_ms - i * 2 * every * time.SECOND)
  end
  return numbers
end

local function present(ctx, query, every)
  local numbers = json.array {}
  for i = 1, SAMPLES do
    if i > 1 then ctx.sleep(every) end
    numbers[#numbers + 1] = sample(ctx, query)
  end
  return numbers
end

local function judge(baseline, now, threshold, acted)
  if #baseline < SAMPLES then return "unknown", "samples before are missing" end
  if #now < SAMPLES then return "unknown", "samples after are missing" end
  if prometheus.healthy(now, threshold) then
    if acted and prometheus.healthy(baseline, threshold) then
      return "unknown", "the query did not see the failure either"
    end
    return "pass", "every sample is at or below the threshold"
  end
  if acted and prometheus.clearly_above(now, baseline, threshold) then
    return "worse", "clearly above what it was before"
  end
  return "fail", "still above the threshold"
end

return {
  about    = "Compare the service's health before acting and now.",
  input    = { service = "map", incident = "map", acted_at = "string?" },
  output   = { verdict = "string", reason = "string", threshold = "number?",
               baseline = "list?", samples = "list?" },
  outcomes = { "pass", "fail", "worse", "unknown" },
  effects  = { "prometheus:query" },
  risk     = "low",
  timeout  = "10m",
  retry    = { times = 3, backoff = "1s", on = { "throttled", "timeout" } },

  run = function(ctx, input)
    local query, acted = input.service.health, input.acted_at
    if not query then
      return "unknown", { verdict = "unknown",
                          reason = "no health query is known" }
    end
    local threshold = input.service.health_threshold
    local until_ms = acted and time.ms(acted) - BEFORE_ACTING_MS
      or input.incident.started_ms - BEFORE_INCIDENT_MS
    local every = input.service.sample_every or EVERY_S
    local baseline = past(ctx, query, until_ms, every)
    ctx.sleep(input.service.settle)
    local now = present(ctx, query, every)
    local verdict, reason = judge(baseline, now, threshold, acted ~= nil)
    return verdict, { verdict = verdict, reason = reason,
                      threshold = threshold, baseline = baseline,
                      samples = now }
  end,
}

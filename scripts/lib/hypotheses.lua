-- The evidence weighed: one hypothesis for each thing that could be done, with
-- what speaks for it, what against it, and how sure that makes us.
--
-- Fixed rules and fixed confidences, so that the same evidence always gives
-- the same answer and an operator can read why. They follow from how ECS
-- works: a rollout in progress may be the fault and the cure, so it is waited
-- for; a restart brings the same revision back, so it cannot mend a deploy; a
-- full service needs more tasks, not new ones. What was tried and did not help
-- counts against trying it again. No hypothesis asks the world, and none makes
-- up an argument: without a commit no revert, without a maximum no scaling.

local evidence = require "lib.evidence"
local time = require "lib.time"

-- What one failed try takes from the confidence in the same action.
local TRIED_COST = 0.15
local MAX_WAITS = 2

local hypotheses = {}

local function say(list, condition, text, ...)
  if condition then list[#list + 1] = text:format(...) end
  return condition
end

local function new(action)
  return { action = action, confidence = 0.0, supports = json.array {},
           against = json.array {} }
end

-- Visits that wrote; the others found nothing to do.
local WROTE = { restarted = true, stuck = true, scaled = true, short = true }

local function tries(visits)
  local count = 0
  for _, visit in ipairs(visits or {}) do
    if WROTE[visit.outcome] then count = count + 1 end
  end
  return count
end

-- A deploy is suspect when it failed, or when trouble is new since it.
local function suspect_deploy(e)
  if e.rollout_failed then return true end
  return e.fresh_deploy ~= nil
    and ((e.new_errors or 0) > 0 or e.stops.crashed > 0)
end

local function wait(facts)
  local h, e = new "wait", facts.evidence
  if not say(h.supports, e.rolling, "a rollout is in progress") then
    h.against[1] = "no rollout is in progress"
    return h
  end
  h.confidence = 0.95
  local waits = #(facts.waits or {})
  if say(h.against, waits >= MAX_WAITS, "waited %d times already", waits) then
    h.confidence = 0.0
  end
  return h
end

local function settled(facts)
  local h, e = new "settled", facts.evidence
  if #(facts.waits or {}) == 0 then
    h.against[1] = "no rollout was waited for"
    return h
  end
  say(h.supports, true, "a rollout was waited for")
  local steady = say(h.supports, e.steady, "the service is steady")
  local well = say(h.supports, e.health and not evidence.ill(e),
    "its health query gives %.3g", e.health or 0)
  say(h.against, not steady, "the service is not steady")
  say(h.against, not well, "its health is not known to be good")
  if steady and well then h.confidence = 0.95 end
  return h
end

-- The commits that the deploy can have brought, newest first.
local function candidates(facts)
  local list = {}
  local deploy = facts.evidence.fresh_deploy
  local until_ms = deploy and time.ms(deploy.created_at)
  for _, commit in ipairs(facts.commits or {}) do
    local at = time.ms(commit.at)
    if not until_ms or (at and at <= until_ms) then
      list[#list + 1] = commit
    end
  end
  return list
end

local function revert(facts)
  local h, e = new "revert", facts.evidence
  if not suspect_deploy(e) then
    h.against[1] = "no deploy is followed by trouble"
    return h
  end
  say(h.supports, e.rollout_failed, "the last rollout failed")
  say(h.supports, e.fresh_deploy, "a deployment was made at %s",
    e.fresh_deploy and e.fresh_deploy.created_at)
  say(h.supports, (e.new_errors or 0) > 0,
    "%d error lines are of patterns not seen before it", e.new_errors or 0)
  local commits = candidates(facts)
  if say(h.against, #commits == 0,
      "no commit is known that the deploy can have brought") then
    return h
  end
  h.commit = commits[1].sha
  h.confidence = #commits == 1 and 0.9 or 0.7
  say(h.supports, true, "commit %s came before it", h.commit:sub(1, 7))
  say(h.against, #commits > 1, "%d commits are in the window", #commits)
  if say(h.against, #(facts.reverts or {}) > 0, "a revert was tried") then
    h.confidence = 0.0
  end
  return h
end

local function step_of(facts)
  local half = (facts.evidence.desired + 1) // 2
  return math.tointeger(facts.service.step) or math.max(1, half)
end

local function scale_up(facts)
  local h, e = new "scale_up", facts.evidence
  if not evidence.saturated(e) then
    h.against[1] = e.saturation and "it is not saturated"
      or "its saturation is not known"
    return h
  end
  say(h.supports, true, "saturation is %.3g, the threshold %.3g",
    e.saturation, e.saturation_threshold)
  if say(h.against, suspect_deploy(e), "a deploy is suspect")
      or say(h.against, not facts.service.max, "no maximum is known") then
    return h
  end
  h.by = step_of(facts)
  h.confidence = 0.85
  local tried = tries(facts.scale_ups)
  if say(h.against, tried > 0, "scaled up %d times already", tried) then
    h.confidence = h.confidence - TRIED_COST * tried
  end
  return h
end

local function restart(facts)
  local h, e = new "restart", facts.evidence
  local loop = say(h.supports, e.stops.crashed > 1,
    "%d tasks stopped by themselves", e.stops.crashed)
  local short = say(h.supports, e.running < e.desired,
    "%d of %d tasks are running", e.running, e.desired)
  local hang = say(h.supports, e.stops.unhealthy > 0 or e.failed_checks > 0,
    "tasks fail their health checks")
  say(h.supports, evidence.ill(e), "its health query gives %.3g", e.health or 0)
  if not (loop or short or (hang and evidence.ill(e))) then
    h.against[1] = "no crash loop and no hang is seen"
    return h
  end
  if say(h.against, suspect_deploy(e),
      "a restart brings the suspect revision back")
      or say(h.against, e.rolling, "a rollout is in progress") then
    return h
  end
  h.confidence = (loop or (short and evidence.ill(e))) and 0.8 or 0.65
  local tried = tries(facts.restarts)
  if say(h.against, tried > 0, "restarted %d times already", tried) then
    h.confidence = tried > 1 and 0.0 or h.confidence - TRIED_COST
  end
  return h
end

-- All hypotheses, in the order in which equals are preferred.
function hypotheses.weigh(facts)
  local list = json.array {}
  for i, rule in ipairs { wait, settled, revert, scale_up, restart } do
    list[i] = rule(facts)
    list[i].confidence = (list[i].confidence * 100 + 0.5) // 1 / 100
  end
  return list
end

-- The most likely one, or nil when none reaches one half.
function hypotheses.best(list)
  local best
  for _, hypothesis in ipairs(list) do
    if hypothesis.confidence >= 0.5
        and (not best or hypothesis.confidence > best.confidence) then
      best = hypothesis
    end
  end
  return best
end

-- Why none was chosen: how earlier attempts ended, and the last thing against
-- each hypothesis that had support.
function hypotheses.doubts(list, verdicts)
  local reasons = json.array {}
  for _, verdict in ipairs(verdicts or {}) do
    reasons[#reasons + 1] = ("an attempt was verified: %s, %s"):format(
      verdict.verdict, verdict.reason)
  end
  for _, hypothesis in ipairs(list) do
    if #hypothesis.supports > 0 and #hypothesis.against > 0 then
      reasons[#reasons + 1] = hypothesis.action .. ": "
        .. hypothesis.against[#hypothesis.against]
    end
  end
  if #reasons == 0 then
    reasons[1] = "the evidence points to none of the known causes"
  end
  return reasons
end

return hypotheses

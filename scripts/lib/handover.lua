-- The hand-over as Markdown: what a person woken at night reads first.
--
-- Four questions in the order in which they are asked: what fired, what was
-- seen, what was tried, what is suggested; then the links. What was not seen
-- is listed as plainly as what was. Text from outside (log lines, labels) goes
-- into code spans, so that it cannot dress up as the hand-over's own words.
-- Nothing here asks the world.

local handover = {}

local function code(text)
  return "`" .. tostring(text):gsub("[`%c]", " ") .. "`"
end

local function add(lines, text, ...)
  lines[#lines + 1] = select("#", ...) > 0 and text:format(...) or text
end

local function heading(lines, text)
  add(lines, "")
  add(lines, "## " .. text)
  add(lines, "")
end

local function sorted(map)
  local keys = {}
  for key in pairs(map or {}) do keys[#keys + 1] = key end
  table.sort(keys)
  return keys
end

local function fired(lines, incident)
  heading(lines, "What fired")
  add(lines, "- since %s, status %s", incident.started_at, incident.status)
  for _, name in ipairs(sorted(incident.labels)) do
    add(lines, "- %s: %s", name, code(incident.labels[name]))
  end
  for _, name in ipairs(sorted(incident.annotations)) do
    add(lines, "- %s: %s", name, code(incident.annotations[name]))
  end
end

local function seen_errors(lines, errors)
  if not errors then return end
  add(lines, "- %d error lines", errors.total)
  for i, group in ipairs(errors.patterns) do
    if i <= 5 then
      add(lines, "  - %d × %s, first at %s", group.count, code(group.pattern),
        group.first_at)
    end
  end
end

local function measure(lines, name, value, threshold)
  if not value then return end
  add(lines, "- %s %.3g, threshold %.3g", name, value, threshold)
end

local function seen(lines, e, commits)
  heading(lines, "What was seen")
  if not e then
    return add(lines, "- nothing: the service was not described")
  end
  if e.gone then
    return add(lines, "- at %s: the service is not there", e.at)
  end
  add(lines, "- at %s: %d of %d tasks running, %d pending", e.at, e.running,
    e.desired, e.pending)
  if e.rolling then add(lines, "- a rollout is in progress") end
  if e.rollout_failed then add(lines, "- the last rollout failed") end
  if e.fresh_deploy then
    add(lines, "- deployment %s made at %s", code(e.fresh_deploy.id),
      e.fresh_deploy.created_at)
  end
  add(lines, "- %d tasks stopped by themselves, %d failed health checks",
    e.stops.crashed, e.stops.unhealthy)
  for _, stop in ipairs(e.stops.samples) do
    add(lines, "  - %s at %s, exit code %s", code(stop.reason), stop.at,
      tostring(stop.exit_code or "unknown"))
  end
  seen_errors(lines, e.errors)
  measure(lines, "health", e.health, e.health_threshold)
  measure(lines, "saturation", e.saturation, e.saturation_threshold)
  for _, event in ipairs(e.events) do
    add(lines, "- %s %s", event.at, code(event.message))
  end
  for _, commit in ipairs(commits or {}) do
    add(lines, "- commit %s by %s: %s", code(commit.sha:sub(1, 7)),
      code(commit.author), code(commit.message))
  end
  for _, what in ipairs(e.missing) do
    add(lines, "- not seen: %s", code(what))
  end
end

local function reason_of(step)
  if type(step.reason) ~= "string" or step.reason == "" then return "" end
  return " (" .. step.reason .. ")"
end

local function tried(lines, run, verdicts)
  heading(lines, "What was tried")
  for i, step in ipairs(run.path or {}) do
    add(lines, "%d. %s: %s%s", i, step.node,
      tostring(step.outcome or "no outcome"), reason_of(step))
  end
  for _, verdict in ipairs(verdicts or {}) do
    add(lines, "- verdict %s: %s", verdict.verdict, verdict.reason)
  end
  local failure = run.failure
  if type(failure) == "table" and failure.node then
    add(lines, "- %s ended with %s: %s", failure.node, failure.code,
      code(failure.text))
  end
end

local function suggested(lines, hypotheses, pull)
  heading(lines, "What is suggested")
  if pull then add(lines, "- decide on the pull request %s", pull) end
  local shown = 0
  for _, h in ipairs(hypotheses or {}) do
    if #h.supports > 0 then
      shown = shown + 1
      add(lines, "- %s (confidence %.2f)", h.action, h.confidence)
      for _, text in ipairs(h.supports) do add(lines, "  - for: %s", text) end
      for _, text in ipairs(h.against) do
        add(lines, "  - against: %s", text)
      end
    end
  end
  if shown == 0 and not pull then
    add(lines, "- look at it yourself: no cause was found that a rule knows")
  end
end

-- What is broken, in a line: the service, or else what its sender calls it.
local function title(incident)
  local labels = incident.labels
  local subject = labels.service or incident.fingerprint or "something"
  if labels.cluster then subject = subject .. " in " .. labels.cluster end
  return ((labels.alertname or "Alert") .. ": " .. subject):gsub("%c", " ")
end

-- `facts` is the escalation's input: incident and run, and whatever of
-- evidence, commits, hypotheses, verdicts and pull the run came to have.
function handover.markdown(facts)
  local lines = {}
  add(lines, "# " .. title(facts.incident))
  fired(lines, facts.incident)
  seen(lines, facts.evidence, facts.commits)
  tried(lines, facts.run, facts.verdicts)
  suggested(lines, facts.hypotheses, facts.pull)
  heading(lines, "Links")
  for _, name in ipairs(sorted(facts.incident.links)) do
    add(lines, "- %s: %s", name, facts.incident.links[name])
  end
  add(lines, "- run: %s", facts.run.id)
  return table.concat(lines, "\n") .. "\n"
end

return handover

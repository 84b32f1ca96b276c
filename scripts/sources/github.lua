-- GitHub's webhooks to occurrences: what broke in CI or in a deployment.
--
-- X-GitHub-Event says what a delivery is; without that header (a file given to
-- `nightshift run`) it is known by the one field that only it has. Everything
-- else that GitHub sends, `ping` among it, gives nothing.
--
-- GitHub has no alarms, only events. A failure is the firing of a key - a
-- workflow and branch, the checks of an app on a branch, a deployment's
-- environment - and a success of the same key resolves it. A success cannot
-- know when its failure began, so it has no started_at and resolves what of
-- its key began before. Runs and suites are dated by when they *started*: an
-- older run that ends late says nothing about a newer one. What was cancelled,
-- skipped or waits for somebody is neither.
--
-- Labels carry `branch`, `default_branch` ("true" or "false") and, for code
-- that is not the repository's own, `fork`.

local payload = require "lib.payload"

local STATUS = { success = "resolved", failure = "firing", error = "firing",
                 timed_out = "firing", startup_failure = "firing" }

-- The commits of all forks would share one key, and end each other's.
local NO_BRANCH = "of no branch"

local function repository_of(body)
  local repository = payload.map(body, "repository", "")
  return {
    name = payload.text(repository, "full_name", "repository"),
    branch = payload.text_or_nil(repository, "default_branch", "repository"),
    url = payload.text_or_nil(repository, "html_url", "repository"),
  }
end

local function key_of(...)
  return table.concat({ ... }, " ")
end

-- One event as the table of an occurrence; `at` is when it was.
local function occurrence(event, repository)
  local resolved = event.status == "resolved"
  event.labels.repository = repository.name
  return {
    key = event.key,
    status = event.status,
    started_at = not resolved and event.at or nil,
    ended_at = resolved and event.at or nil,
    labels = json.object(event.labels),
    annotations = json.object(event.annotations),
    links = json.object { page = event.url, repository = repository.url },
  }
end

-- Whose code ran, when it is not the repository's own. A fork that was deleted
-- is null, and still no branch of ours.
local function fork_of(run, repository, place)
  if payload.absent(run.head_repository) then return "unknown" end
  local head = payload.map(run, "head_repository", place)
  local name = payload.text(head, "full_name", place .. ".head_repository")
  return name ~= repository.name and name or nil
end

-- A trigger can ask for what a label is and not for what is missing, so a
-- fork's branch is never the default one, whatever it is called.
local function branch_labels(labels, branch, repository)
  labels.branch = branch
  labels.default_branch =
    tostring(branch == repository.branch and not labels.fork)
  return labels
end

local function workflow_run(body, repository)
  local place = "workflow_run"
  local run = payload.map(body, place, "")
  local conclusion = payload.text_or_nil(run, "conclusion", place)
  if not STATUS[conclusion] then return nil, conclusion end
  local branch = payload.text_or_nil(run, "head_branch", place)
  if not branch then return nil, NO_BRANCH end
  local fork = fork_of(run, repository, place)
  return {
    status = STATUS[conclusion],
    key = key_of(repository.name, "workflow",
      payload.number(run, "workflow_id", place), fork or "-", branch),
    at = payload.moment(run, "run_started_at", place),
    url = payload.text_or_nil(run, "html_url", place),
    labels = branch_labels({
      kind = "workflow_run", fork = fork,
      workflow = payload.text_or_nil(run, "name", place),
      event = payload.text_or_nil(run, "event", place),
    }, branch, repository),
    annotations = {
      conclusion = conclusion,
      commit = payload.text_or_nil(run, "head_sha", place),
      title = payload.text_or_nil(run, "display_title", place),
    },
  }
end

-- The suites of Actions are its runs once more, and several of them on one
-- branch would resolve each other.
local function check_suite(body, repository)
  local place = "check_suite"
  local suite = payload.map(body, place, "")
  local app = payload.text(payload.map(suite, "app", place), "slug",
    place .. ".app")
  if app == "github-actions" then return nil, "a suite of GitHub Actions" end
  local conclusion = payload.text_or_nil(suite, "conclusion", place)
  if not STATUS[conclusion] then return nil, conclusion end
  local branch = payload.text_or_nil(suite, "head_branch", place)
  if not branch then return nil, NO_BRANCH end
  local commit = payload.text(suite, "head_sha", place)
  return {
    status = STATUS[conclusion],
    key = key_of(repository.name, "check_suite", app, branch),
    at = payload.moment(suite, "created_at", place),
    url = repository.url and repository.url .. "/commit/" .. commit,
    labels = branch_labels({ kind = "check_suite", app = app }, branch,
      repository),
    annotations = { conclusion = conclusion, commit = commit },
  }
end

local function deployment_status(body, repository)
  local place = "deployment_status"
  local change = payload.map(body, place, "")
  local deployment = payload.map(body, "deployment", "")
  local state = payload.text(change, "state", place)
  if not STATUS[state] then return nil, state end
  local environment = payload.text(deployment, "environment", "deployment")
  local task = payload.text_or_nil(deployment, "task", "deployment")
    or "deploy"
  return {
    status = STATUS[state],
    key = key_of(repository.name, "deployment", environment, task),
    at = payload.moment(change, "created_at", place),
    url = payload.text_or_nil(change, "log_url", place)
      or payload.text_or_nil(change, "target_url", place),
    labels = { kind = "deployment", environment = environment, task = task,
               ref = payload.text_or_nil(deployment, "ref", "deployment") },
    annotations = {
      state = state,
      commit = payload.text_or_nil(deployment, "sha", "deployment"),
      description = payload.text_or_nil(change, "description", place),
    },
  }
end

local EVENTS = {
  workflow_run = { read = workflow_run, action = "completed" },
  check_suite = { read = check_suite, action = "completed" },
  deployment_status = { read = deployment_status },
}

local function event_of(headers, body)
  local named = payload.text_or_nil(headers, "x-github-event", "headers")
  if named then return named end
  for name in pairs(EVENTS) do
    if body[name] ~= nil then return name end
  end
  payload.refuse("headers", "x-github-event",
    "a text is expected, and the body does not tell either")
end

local function read(name, body)
  local event = EVENTS[name]
  if not event then return nil end
  local action = payload.text_or_nil(body, "action", "")
  if event.action and action ~= event.action then return nil, action end
  local repository = repository_of(body)
  local found, why = event.read(body, repository)
  if not found then return nil, why end
  return occurrence(found, repository)
end

return {
  about = "GitHub webhooks: workflow runs, check suites, deployments.",
  ends_by_key = true,

  occurrences = function(request)
    local body = payload.object(request.body)
    local name = event_of(request.headers or {}, body)
    local found, why = read(name, body)
    if found then return json.array { found } end
    return json.array {}, { ignored = payload.quoted(name)
      .. (why and ": " .. payload.quoted(why) or "") }
  end,
}

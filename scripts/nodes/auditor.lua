-- List the commits to the service's repository in the window before the alert,
-- with the files each of them touched.
--
-- The window ends at the alert, since what came later cannot have caused it,
-- and the branch is the deployed one where it is known. Files are asked for
-- commit by commit (GitHub's list does not carry them), for the newest few
-- only: an old commit explains little and each costs a request.
--
-- It judges nothing: a commit in the window is a fact, not a cause.

local github = require "lib.github"
local time = require "lib.time"

local WINDOW_MS = 6 * time.HOUR
local COMMITS = 10
local FILES = 50

local function names_of(files)
  local names = json.array {}
  for i, file in ipairs(files or {}) do
    if i <= FILES then names[i] = file.filename end
  end
  return names
end

local function entry(ctx, repo, listed)
  local commit = github.commit(ctx, repo, listed.sha)
  local by = commit.commit.committer
  return {
    sha = commit.sha, at = by.date, author = commit.commit.author.name,
    message = commit.commit.message:match("^[^\n]*"),
    url = commit.html_url, files = names_of(commit.files),
  }
end

return {
  about    = "List the commits that came shortly before an alert.",
  input    = { service = "map", incident = "map" },
  output   = { commits = "list", reasons = "list?" },
  outcomes = { "found", "nothing", "unknown" },
  effects  = {
    "github:GET /repos/{owner}/{repo}/commits",
    "github:GET /repos/{owner}/{repo}/commits/{ref}",
  },
  risk     = "low",
  timeout  = "1m",
  retry    = { times = 3, backoff = "1s", on = { "throttled", "timeout" } },

  run = function(ctx, input)
    local commits = json.array {}
    local repo = input.service.repo or ""
    if not repo:find("^[^/]+/[^/]+$") then
      return "unknown", { commits = commits,
                          reasons = { "no repository is known" } }
    end

    local start_ms = input.incident.started_ms
    local listed, err = github.commits(ctx, repo, {
      branch = input.service.branch, most = COMMITS,
      from_ms = start_ms - WINDOW_MS, to_ms = start_ms,
    })
    if not listed then
      ctx.log.warn("the repository cannot be read", { reason = err.text })
      return "unknown", { commits = commits, reasons = { err.text } }
    end
    for i, commit in ipairs(listed) do commits[i] = entry(ctx, repo, commit) end
    return #commits > 0 and "found" or "nothing", { commits = commits }
  end,
}

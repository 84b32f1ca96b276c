-- Propose to take a commit back: open a pull request, await its merge, then
-- the rollout that follows.
--
-- A pull request and not a push: the main branch belongs to people and their
-- checks. A commit that came by a merged pull request is reverted as that pull
-- request, another one file by file (lib/github.lua); the mark and the branch
-- come from the run, so that a repeated request meets its own work. All waits
-- are bounded; an open request goes to a person.
--
-- It never pushes to the main branch, never merges, and never reverts half a
-- change. Undo closes the request and says why in a comment; a merged one is
-- beyond undoing.

local catalogue = require "lib.catalogue"
local ecs = require "lib.ecs"
local github = require "lib.github"

local GET_PULL = "GET /repos/{owner}/{repo}/pulls/{pull_number}"
local CLOSED = "Nightshift closes its own proposal: it no longer stands by it."

local function default_branch(ctx, service)
  if service.branch then return service.branch end
  return ctx.github("GET /repos/{owner}/{repo}", github.on(service.repo, {}))
    .default_branch
end

local function described(ctx, key)
  return ecs.service(ctx.aws("ecs:DescribeServices", {
    cluster = key.cluster, services = { key.service },
  }, key.where))
end

local function await_merge(ctx, service, number)
  local ended, pull = ctx.wait_for {
    ask = { "github:" .. GET_PULL,
            github.on(service.repo, { pull_number = number }) },
    done = function(answer) return answer.state ~= "open" end,
    every = "15s", within = "10m",
  }
  if not ended then return "open" end
  if pull.state == "closed" and pull.merged ~= true then return "closed" end
  return "merged"
end

-- The rollout that a merge brings is the first deployment not seen before it.
local function await_rollout(ctx, key, before)
  local known = {}
  for _, deployment in ipairs(before.deployments) do
    known[deployment.id] = true
  end
  return (ctx.wait_for {
    ask = { "aws:ecs:DescribeServices",
            { cluster = key.cluster, services = { key.service } }, key.where },
    done = function(answer)
      local service = ecs.service(answer)
      local primary = service and ecs.primary(service)
      return primary ~= nil and not known[primary.id] and ecs.steady(service)
    end,
    every = "15s", within = "10m",
  })
end

-- The request that was opened, also when the node did not come to its end.
local function pull_number(state)
  if state.output and state.output.number then return state.output.number end
  for _, write in ipairs(state.writes) do
    local result = type(write.result) == "table" and write.result or {}
    if write.effect == "github:POST /repos/{owner}/{repo}/pulls" then
      return result.number
    elseif write.effect == "github:graphql:revertPullRequest"
        and result.revertPullRequest then
      return result.revertPullRequest.revertPullRequest.number
    end
  end
  return nil
end

return {
  about    = "Open a pull request that reverts a commit, and await its merge.",
  input    = { service = "map", commit = "string?", reasons = "list?" },
  output   = { number = "integer?", url = "string?", branch = "string?",
               rolled_out = "boolean?", conflicts = "list?" },
  outcomes = { "merged", "open", "closed", "conflict", "gone" },
  effects  = {
    "aws:ecs:DescribeServices",
    "github:GET /repos/{owner}/{repo}",
    "github:GET /repos/{owner}/{repo}/commits/{ref}",
    "github:GET /repos/{owner}/{repo}/commits/{commit_sha}/pulls",
    "github:GET /repos/{owner}/{repo}/git/trees/{tree_sha}",
    "github:GET /repos/{owner}/{repo}/issues/{issue_number}/comments",
    "github:GET /repos/{owner}/{repo}/pulls/{pull_number}",
    "github:POST /repos/{owner}/{repo}/git/trees",
    "github:POST /repos/{owner}/{repo}/git/commits",
    "github:POST /repos/{owner}/{repo}/git/refs",
    "github:POST /repos/{owner}/{repo}/pulls",
    "github:POST /repos/{owner}/{repo}/issues/{issue_number}/comments",
    "github:PATCH /repos/{owner}/{repo}/issues/comments/{comment_id}",
    "github:PATCH /repos/{owner}/{repo}/pulls/{pull_number}",
    "github:graphql:revertPullRequest",
  },
  risk     = "medium",
  timeout  = "25m",
  retry    = { times = 3, backoff = "1s", on = { "throttled", "timeout" } },

  run = function(ctx, input)
    local service, key = input.service, catalogue.key(input.service)
    if not input.commit then
      error { code = "invalid", text = "no commit was given to revert" }
    end
    local before = described(ctx, key)
    if not before then return "gone" end

    local output, conflicts = github.revert(ctx, service.repo, {
      commit = input.commit, branch = default_branch(ctx, service),
      reasons = input.reasons or {}, id = ctx.uuid(),
    })
    if not output then return "conflict", { conflicts = conflicts } end
    local outcome = await_merge(ctx, service, output.number)
    if outcome == "merged" then
      output.rolled_out = await_rollout(ctx, key, before)
    end
    return outcome, output
  end,

  undo = function(ctx, input, state)
    local number = pull_number(state)
    if not number then return "undone" end
    local repo = input.service.repo
    local pull = ctx.github(GET_PULL,
      github.on(repo, { pull_number = number }))
    if pull.merged == true then
      ctx.log.warn("merged: irreversible from here", { url = pull.html_url })
      return "failed"
    end
    if pull.state == "open" then
      github.comment(ctx, repo, number, github.mark("closed"), CLOSED)
      ctx.github("PATCH /repos/{owner}/{repo}/pulls/{pull_number}",
        github.on(repo, { pull_number = number, state = "closed" }))
    end
    return "undone"
  end,
}

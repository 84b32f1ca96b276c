-- Propose to take a commit back: open a pull request, await its merge, then
-- the rollout that follows.
--
-- A pull request and not a push: the main branch belongs to people and their
-- checks. The revert is built by the Git data API (lib/revert.lua), on a
-- branch whose name comes from the run, so that a repeated request meets its
-- own branch. All waits are bounded; an open request goes to a person.
--
-- It never pushes to the main branch, never merges, and never reverts half a
-- commit. Undo closes the request; a merged one is beyond undoing.

local catalogue = require "lib.catalogue"
local ecs = require "lib.ecs"
local revert = require "lib.revert"

local GET_PULL = "GET /repos/{owner}/{repo}/pulls/{pull_number}"
local GET_COMMIT = "GET /repos/{owner}/{repo}/commits/{ref}"

-- Arguments for a call on the service's repository.
local function on(service, args)
  args.owner, args.repo = service.repo:match("^([^/]+)/([^/]+)$")
  return args
end

local function tree(ctx, service, sha)
  return ctx.github("GET /repos/{owner}/{repo}/git/trees/{tree_sha}",
    on(service, { tree_sha = sha, recursive = 1 }))
end

local function default_branch(ctx, service)
  if service.branch then return service.branch end
  return ctx.github("GET /repos/{owner}/{repo}", on(service, {}))
    .default_branch
end

local function push_branch(ctx, service, commit, head, entries)
  local made = ctx.github("POST /repos/{owner}/{repo}/git/trees",
    on(service, { base_tree = head.commit.tree.sha, tree = entries }))
  local new = ctx.github("POST /repos/{owner}/{repo}/git/commits",
    on(service, { message = revert.message(commit), tree = made.sha,
                  parents = { head.sha } }))
  local name = ("nightshift/revert-%s-%s"):format(commit.sha:sub(1, 7),
    ctx.uuid():sub(1, 8))
  ctx.github("POST /repos/{owner}/{repo}/git/refs",
    on(service, { ref = "refs/heads/" .. name, sha = new.sha }))
  return name
end

local function described(ctx, key)
  return ecs.service(ctx.aws("ecs:DescribeServices", {
    cluster = key.cluster, services = { key.service },
  }, key.where))
end

local function await_merge(ctx, service, number)
  local ended, pull = ctx.wait_for {
    ask = { "github:" .. GET_PULL, on(service, { pull_number = number }) },
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

local function pull_number(state)
  if state.output and state.output.number then return state.output.number end
  for _, write in ipairs(state.writes) do
    if write.effect == "github:POST /repos/{owner}/{repo}/pulls"
        and type(write.result) == "table" then
      return write.result.number
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
    "github:GET /repos/{owner}/{repo}/git/trees/{tree_sha}",
    "github:GET /repos/{owner}/{repo}/pulls/{pull_number}",
    "github:POST /repos/{owner}/{repo}/git/trees",
    "github:POST /repos/{owner}/{repo}/git/commits",
    "github:POST /repos/{owner}/{repo}/git/refs",
    "github:POST /repos/{owner}/{repo}/pulls",
    "github:PATCH /repos/{owner}/{repo}/pulls/{pull_number}",
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

    local branch = default_branch(ctx, service)
    local commit = ctx.github(GET_COMMIT, on(service, { ref = input.commit }))
    local head = ctx.github(GET_COMMIT, on(service, { ref = branch }))
    local entries, conflicts = revert.entries(commit.files, {
      head = tree(ctx, service, head.commit.tree.sha),
      commit = tree(ctx, service, commit.commit.tree.sha),
      parent = tree(ctx, service, commit.parents[1].sha),
    })
    if not entries then return "conflict", { conflicts = conflicts } end

    local name = push_branch(ctx, service, commit, head, entries)
    local pull = ctx.github("POST /repos/{owner}/{repo}/pulls", on(service, {
      title = revert.title(commit), head = name, base = branch,
      body = revert.body(commit, input.reasons or {}),
    }))
    local output = { number = pull.number, url = pull.html_url, branch = name }
    local outcome = await_merge(ctx, service, pull.number)
    if outcome == "merged" then
      output.rolled_out = await_rollout(ctx, key, before)
    end
    return outcome, output
  end,

  undo = function(ctx, input, state)
    local number = pull_number(state)
    if not number then return "undone" end
    local args = on(input.service, { pull_number = number })
    local pull = ctx.github(GET_PULL, args)
    if pull.merged == true then
      ctx.log.warn("merged: irreversible from here", { url = pull.html_url })
      return "failed"
    end
    if pull.state == "open" then
      ctx.github("PATCH /repos/{owner}/{repo}/pulls/{pull_number}",
        on(input.service, { pull_number = number, state = "closed" }))
    end
    return "undone"
  end,
}

-- Commits, pull requests and comments of one repository.
--
-- A repository is given as "owner/name". Lists come page by page and are
-- bounded. A revert takes the way that GitHub has for it: a commit that came
-- by a merged pull request is reverted by GitHub itself, as that whole pull
-- request; any other one is built file by file (lib/revert.lua). Names and
-- marks come from ctx.uuid(), which is the same whenever the slot is: who
-- tries again finds the branch, the pull request and the comment of before.
--
-- Nothing here merges, pushes to a branch that people use, or deletes.

local revert = require "lib.revert"
local time = require "lib.time"

local REPO = "/repos/{owner}/{repo}"
local GET_COMMIT = "GET " .. REPO .. "/commits/{ref}"
local COMMENTS = REPO .. "/issues/{issue_number}/comments"
local PAGES = 5

local REVERT = [[
mutation($input: RevertPullRequestInput!) {
  revertPullRequest(input: $input) {
    revertPullRequest { number url headRefName }
  }
}]]

local github = {}

-- Arguments for a call on the repository.
function github.on(repo, args)
  args.owner, args.repo = repo:match("^([^/]+)/([^/]+)$")
  if not args.owner then
    error { code = "invalid", text = "no repository: " .. tostring(repo) }
  end
  return args
end

-- The items of a list and whether there are more than were asked for. Options:
-- `pages`, how many at most; `try`, to give nil and the error.
function github.pages(ctx, route, args, options)
  options = options or {}
  local ask = options.try and ctx.try.github or ctx.github
  local items = json.array {}
  for _ = 1, options.pages or PAGES do
    local page, err = ask(route, args, { pages = true })
    if not page then return nil, err end
    for _, item in ipairs(page.items) do items[#items + 1] = item end
    if not page.next or page.next == json.null then return items, false end
    args = page.next
  end
  return items, true
end

-- The newest `most` commits to a branch between two moments; nil and the
-- error when the repository cannot be read.
function github.commits(ctx, repo, window)
  return github.pages(ctx, "GET " .. REPO .. "/commits", github.on(repo, {
    sha = window.branch, per_page = window.most,
    since = time.text(window.from_ms), ["until"] = time.text(window.to_ms),
  }), { pages = 1, try = true })
end

function github.commit(ctx, repo, ref)
  return ctx.github(GET_COMMIT, github.on(repo, { ref = ref }))
end

-- The merged pull request by which a commit came to the branch, or nil.
function github.pull_of(ctx, repo, sha, branch)
  local pulls = ctx.github("GET " .. REPO .. "/commits/{commit_sha}/pulls",
    github.on(repo, { commit_sha = sha }))
  for _, pull in ipairs(pulls) do
    local merged = pull.merged_at and pull.merged_at ~= json.null
    if merged and pull.base.ref == branch then return pull end
  end
  return nil
end

function github.mark(id)
  return "<!-- nightshift:" .. id .. " -->"
end

-- --- reverting ------------------------------------------------------------

local function tree(ctx, repo, sha)
  return ctx.github("GET " .. REPO .. "/git/trees/{tree_sha}",
    github.on(repo, { tree_sha = sha, recursive = 1 }))
end

local function revert_pull(ctx, repo, pull, text)
  local input = { pullRequestId = pull.node_id, title = text.title,
                  body = text.body }
  local owner = github.on(repo, {})
  local made, err = ctx.try.github("POST /graphql",
    { query = REVERT, variables = { input = input } },
    { owner = owner.owner, repo = owner.repo })
  if not made and err.code == "invalid" then
    return nil, json.array { err.text }
  end
  if not made then error(err, 0) end
  local opened = made.revertPullRequest.revertPullRequest
  return { number = opened.number, url = opened.url,
           branch = opened.headRefName }
end

local function entries(ctx, repo, commit, head)
  return revert.entries(commit.files, {
    head = tree(ctx, repo, head.commit.tree.sha),
    commit = tree(ctx, repo, commit.commit.tree.sha),
    parent = tree(ctx, repo, commit.parents[1].sha),
  })
end

local function push_branch(ctx, repo, commit, changes)
  local made = ctx.github("POST " .. REPO .. "/git/trees", github.on(repo,
    { base_tree = changes.head.commit.tree.sha, tree = changes.entries }))
  local new = ctx.github("POST " .. REPO .. "/git/commits", github.on(repo,
    { message = revert.message(commit), tree = made.sha,
      parents = { changes.head.sha } }))
  ctx.github("POST " .. REPO .. "/git/refs", github.on(repo,
    { ref = "refs/heads/" .. changes.name, sha = new.sha }))
end

local function revert_commit(ctx, repo, commit, want, text)
  local head = github.commit(ctx, repo, want.branch)
  local changed, conflicts = entries(ctx, repo, commit, head)
  if not changed then return nil, conflicts end
  local name = ("nightshift/revert-%s-%s"):format(commit.sha:sub(1, 7),
    want.id:sub(1, 8))
  push_branch(ctx, repo, commit,
    { head = head, entries = changed, name = name })
  local pull = ctx.github("POST " .. REPO .. "/pulls", github.on(repo,
    { title = text.title, head = name, base = want.branch,
      body = text.body }))
  return { number = pull.number, url = pull.html_url, branch = name }
end

-- Proposes to take a commit back: { number, url, branch } of the pull request,
-- or nil and what is in the way. `want` has commit, branch, reasons and an id.
function github.revert(ctx, repo, want)
  local commit = github.commit(ctx, repo, want.commit)
  local pull = github.pull_of(ctx, repo, commit.sha, want.branch)
  local text = {
    title = revert.title(commit),
    body = revert.body(commit, want.reasons) .. "\n" .. github.mark(want.id),
  }
  if pull then return revert_pull(ctx, repo, pull, text) end
  return revert_commit(ctx, repo, commit, want, text)
end

-- --- comments -------------------------------------------------------------

local function find_comment(ctx, repo, number, mark)
  local comments = github.pages(ctx, "GET " .. COMMENTS,
    github.on(repo, { issue_number = number, per_page = 100 }))
  for _, comment in ipairs(comments) do
    if comment.body and comment.body:find(mark, 1, true) then
      return comment
    end
  end
  return nil
end

-- Says something at a pull request or an issue, once: a comment with the same
-- mark is changed instead of another one added.
function github.comment(ctx, repo, number, mark, text)
  local body = text .. "\n\n" .. mark
  local held = find_comment(ctx, repo, number, mark)
  if not held then
    return ctx.github("POST " .. COMMENTS,
      github.on(repo, { issue_number = number, body = body }))
  end
  if held.body == body then return held end
  return ctx.github("PATCH " .. REPO .. "/issues/comments/{comment_id}",
    github.on(repo, { comment_id = held.id, body = body }))
end

return github

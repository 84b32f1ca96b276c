package.path = "scripts/?.lua;tests/spec/?.lua;" .. package.path
require "support.json"
local answers = require "support.ecs_answers"
local fake = require "support.fake_ctx"
local node = require "nodes.remediation_revert"

local REPO = "/repos/{owner}/{repo}"
local PULL = "github:GET " .. REPO .. "/pulls/{pull_number}"
local OPEN = "github:POST " .. REPO .. "/pulls"
local CLOSE = "github:PATCH " .. REPO .. "/pulls/{pull_number}"
local PULLS_OF = "github:GET " .. REPO .. "/commits/{commit_sha}/pulls"
local REVERT = "github:graphql:revertPullRequest"
local COMMENTS = REPO .. "/issues/{issue_number}/comments"
local LOOK = "aws:ecs:DescribeServices"

local input = { service = { cluster = "prod", service = "checkout",
                            repo = "o/r", branch = "main" },
                commit = "6dcb09b5b578", reasons = { "new errors" } }

local function commit(sha)
  return { sha = sha, parents = { { sha = "parent" } },
           commit = { message = "Price\n\nLong.", tree = { sha = sha .. "t" } },
           files = { { filename = "a", status = "modified" } } }
end

local function tree(sha)
  return { truncated = false, tree = { { path = "a", mode = "100644",
                                         type = "blob", sha = sha } } }
end

local function rolled(id)
  return answers.described { deployments = { answers.deployment(id) } }
end

-- A repository whose head has this blob, and a pull request in these states.
local function world(head_blob, ...)
  local blobs = { ["maint"] = head_blob, ["6dcb09b5b578t"] = "2",
                  parent = "1" }
  return {
    [LOOK] = { rolled "d1", rolled "d1", rolled "d2" },
    ["github:GET " .. REPO .. "/commits/{ref}"] = function(args)
      return commit(args.ref)
    end,
    ["github:GET " .. REPO .. "/git/trees/{tree_sha}"] = function(args)
      return tree(blobs[args.tree_sha])
    end,
    ["github:POST " .. REPO .. "/git/trees"] = { { sha = "newtree" } },
    ["github:POST " .. REPO .. "/git/commits"] = { { sha = "newcommit" } },
    ["github:POST " .. REPO .. "/git/refs"] = { {} },
    [OPEN] = { { number = 7, html_url = "https://github.com/o/r/pull/7" } },
    [PULLS_OF] = { {} },
    ["github:GET " .. COMMENTS] = { {} },
    ["github:POST " .. COMMENTS] = { {} },
    [PULL] = { ... },
    [CLOSE] = { {} },
  }
end

local open = { state = "open", merged = false }
local merged = { state = "closed", merged = true }
local closed = { state = "closed", merged = false }

describe("remediation_revert", function()
  it("opens a pull request and goes on once it is rolled out", function()
    local ctx = fake.ctx(node, world("2", open, open, merged))
    local outcome, output = node.run(ctx, input)
    assert.equal("merged", outcome)
    assert.same({ number = 7, url = "https://github.com/o/r/pull/7",
                  branch = "nightshift/revert-6dcb09b-0a1b2c3d",
                  rolled_out = true }, output)
  end)

  it("builds the revert over the head and only makes a branch", function()
    local ctx = fake.ctx(node, world("2", merged))
    node.run(ctx, input)
    local made = fake.asked(ctx, "github:POST " .. REPO .. "/git/trees")[1]
    assert.equal("maint", made.base_tree)
    assert.equal("1", made.tree[1].sha)
    local new = fake.asked(ctx, "github:POST " .. REPO .. "/git/commits")[1]
    assert.same({ "main" }, new.parents)
    local ref = fake.asked(ctx, "github:POST " .. REPO .. "/git/refs")[1]
    assert.truthy(ref.ref:find("^refs/heads/nightshift/"))
    assert.equal("main", fake.asked(ctx, OPEN)[1].base)
  end)

  it("leaves a merged pull request to GitHub, as a whole", function()
    local answers_given = world("2", merged)
    answers_given[PULLS_OF] = { {
      { node_id = "PR_5", merged_at = json.null, base = { ref = "main" } },
      { node_id = "PR_6", merged_at = "2026-01-01", base = { ref = "dev" } },
      { node_id = "PR_7", merged_at = "2026-01-01", base = { ref = "main" } },
    } }
    answers_given[REVERT] = { { revertPullRequest = { revertPullRequest = {
      number = 9, url = "https://github.com/o/r/pull/9",
      headRefName = "revert-7-x" } } } }
    local ctx = fake.ctx(node, answers_given)
    local outcome, output = node.run(ctx, input)
    assert.equal("merged", outcome)
    assert.same({ number = 9, url = "https://github.com/o/r/pull/9",
                  branch = "revert-7-x", rolled_out = true }, output)
    local sent = fake.asked(ctx, REVERT)[1].variables.input
    assert.equal("PR_7", sent.pullRequestId)
    assert.truthy(sent.body:find("<!-- nightshift:0a1b2c3d-", 1, true))
    assert.same({}, fake.asked(ctx, OPEN))
  end)

  it("takes GitHub's refusal to revert for a conflict", function()
    local answers_given = world("2")
    answers_given[PULLS_OF] = { { { node_id = "PR_7", merged_at = "2026-01-01",
                                    base = { ref = "main" } } } }
    answers_given[REVERT] = { { code = "invalid", text = "cannot" } }
    local outcome, output = node.run(fake.ctx(node, answers_given), input)
    assert.equal("conflict", outcome)
    assert.same({ conflicts = { "cannot" } }, output)
  end)

  it("does not take the old deployment for the one the merge brings",
    function()
      local answers_given = world("2", merged)
      answers_given[LOOK] = { rolled "d1" }
      local _, output = node.run(fake.ctx(node, answers_given), input)
      assert.is_false(output.rolled_out)
    end)

  it("writes nothing when the file was changed since", function()
    local ctx = fake.ctx(node, world("3"))
    local outcome, output = node.run(ctx, input)
    assert.equal("conflict", outcome)
    assert.same({ conflicts = { "a" } }, output)
    assert.same({}, fake.asked(ctx, OPEN))
  end)

  it("hands an open request over after a bounded wait", function()
    local ctx = fake.ctx(node, world("2", open))
    local outcome, output = node.run(ctx, input)
    assert.equal("open", outcome)
    assert.equal("https://github.com/o/r/pull/7", output.url)
  end)

  it("takes a request that a person closed for a no", function()
    local ctx = fake.ctx(node, world("2", closed))
    assert.equal("closed", (node.run(ctx, input)))
  end)

  it("never declares an effect that merges or moves a branch", function()
    for _, effect in ipairs(node.effects) do
      assert.is_nil(effect:find("merge", 1, true))
      assert.is_nil(effect:find("PATCH .*refs"))
      assert.is_nil(effect:find("PUT", 1, true))
    end
  end)

  describe("undo", function()
    local state = { writes = { { effect = OPEN, result = { number = 7 } } } }

    it("closes the request while it is open", function()
      local ctx = fake.ctx(node, world("2", open))
      assert.equal("undone", node.undo(ctx, input, state))
      assert.equal("closed", fake.asked(ctx, CLOSE)[1].state)
      local said = fake.asked(ctx, "github:POST " .. COMMENTS)
      assert.equal(1, #said)
      assert.truthy(said[1].body:find("<!-- nightshift:closed -->", 1, true))
    end)

    it("finds the request that GitHub opened", function()
      local ctx = fake.ctx(node, world("2", open))
      assert.equal("undone", node.undo(ctx, input, { writes = {
        { effect = REVERT, result = { revertPullRequest = {
          revertPullRequest = { number = 9 } } } } } }))
      assert.equal(9, fake.asked(ctx, CLOSE)[1].pull_number)
    end)

    it("fails once it is merged, and says that it is irreversible", function()
      local ctx = fake.ctx(node, world("2", merged))
      assert.equal("failed", node.undo(ctx, input, state))
      assert.truthy(ctx.warned[1]:find("irreversible", 1, true))
      assert.same({}, fake.asked(ctx, CLOSE))
    end)

    it("has nothing to do when no request was opened", function()
      local ctx = fake.ctx(node, {})
      assert.equal("undone", node.undo(ctx, input, { writes = {} }))
    end)
  end)
end)

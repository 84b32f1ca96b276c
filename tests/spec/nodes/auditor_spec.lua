package.path = "scripts/?.lua;tests/spec/?.lua;" .. package.path
require "support.json"
local fake = require "support.fake_ctx"
local node = require "nodes.auditor"

local LIST = "github:GET /repos/{owner}/{repo}/commits"
local GET = LIST .. "/{ref}"
local incident = { started_ms = 1772330584000 }

local function audit(repo, answers)
  local ctx = fake.ctx(node, answers or {})
  local outcome, output = node.run(ctx, { incident = incident,
    service = { repo = repo, branch = "main" } })
  return outcome, output.commits, ctx
end

local commit = {
  sha = "6dcb09b5", html_url = "https://github.com/o/r/commit/6dcb09b5",
  author = json.null,
  commit = { message = "Price\n\nLong.", author = { name = "Kim" },
             committer = { date = "2026-03-01T01:40:00Z" } },
  files = { { filename = "src/price.js" } },
}

describe("auditor", function()
  it("lists commits of the window with the files they touched", function()
    local outcome, commits, ctx = audit("o/r", {
      [LIST] = { { { sha = "6dcb09b5" } } }, [GET] = { commit } })
    assert.equal("found", outcome)
    assert.same({ { sha = "6dcb09b5", at = "2026-03-01T01:40:00Z",
                    author = "Kim", message = "Price", url = commit.html_url,
                    files = { "src/price.js" } } }, commits)
    local asked = fake.asked(ctx, LIST)[1]
    assert.equal("main", asked.sha)
    assert.equal("2026-03-01T02:03:04Z", asked["until"])
    assert.equal("2026-02-28T20:03:04Z", asked.since)
  end)

  it("says nothing when no commit came", function()
    assert.equal("nothing", (audit("o/r", { [LIST] = { {} } })))
  end)

  it("asks nobody when no repository is known", function()
    for _, repo in ipairs { false, "not-a-repo", "a/b/c" } do
      local outcome, commits, ctx = audit(repo or nil)
      assert.equal("unknown", outcome)
      assert.same({}, commits)
      assert.same({}, ctx.asked)
    end
  end)

  it("says unknown when the repository cannot be read", function()
    assert.equal("unknown", (audit("o/r", {
      [LIST] = { { code = "not_found", text = "Not Found" } } })))
  end)
end)

package.path = "scripts/?.lua;tests/spec/?.lua;" .. package.path
require "support.json"
local fake = require "support.fake_ctx"
local github = require "lib.github"

local LIST = "github:GET /repos/{owner}/{repo}/commits"
local COMMENTS = "/repos/{owner}/{repo}/issues/{issue_number}/comments"
local CHANGE = "github:PATCH /repos/{owner}/{repo}/issues/comments/{comment_id}"
local node = { effects = { LIST, "github:GET " .. COMMENTS,
                           "github:POST " .. COMMENTS, CHANGE } }

local function page(items, next)
  return { items = items, next = next or json.null }
end

describe("github", function()
  it("follows pages by their arguments", function()
    local ctx = fake.ctx(node, { [LIST] = {
      page({ 1, 2 }, { owner = "o", page = "2" }), page { 3 } } })
    local items, more = github.pages(ctx, LIST:sub(8), { owner = "o" })
    assert.same({ 1, 2, 3 }, items)
    assert.is_false(more)
    assert.same({ { owner = "o" }, { owner = "o", page = "2" } },
      fake.asked(ctx, LIST))
  end)

  it("stops after the pages that were asked for and says so", function()
    local ctx = fake.ctx(node, { [LIST] = { page({ 1 }, { page = "2" }) } })
    local items, more = github.pages(ctx, LIST:sub(8), {}, { pages = 3 })
    assert.same({ 1, 1, 1 }, items)
    assert.is_true(more)
  end)

  it("gives nil and the error of a list that cannot be read", function()
    local ctx = fake.ctx(node, { [LIST] = {
      { code = "denied", text = "no" } } })
    local items, err = github.commits(ctx, "o/r", { from_ms = 0, to_ms = 1000,
                                                    most = 5 })
    assert.is_nil(items)
    assert.equal("no", err.text)
    assert.equal("1970-01-01T00:00:01Z", fake.asked(ctx, LIST)[1]["until"])
  end)

  it("refuses what is no repository", function()
    assert.has_error(function() github.on("a/b/c", {}) end)
    assert.same({ owner = "a", repo = "b", x = 1 }, github.on("a/b", { x = 1 }))
  end)

  describe("comment", function()
    local mark = github.mark("x")

    local function say(comments)
      local ctx = fake.ctx(node, {
        ["github:GET " .. COMMENTS] = { page(comments) },
        ["github:POST " .. COMMENTS] = { { id = 1 } },
        [CHANGE] = { { id = 2 } } })
      github.comment(ctx, "o/r", 7, mark, "new words")
      return fake.asked(ctx, "github:POST " .. COMMENTS),
        fake.asked(ctx, CHANGE)
    end

    it("adds one where there is none of its mark", function()
      local added, changed = say { { id = 5, body = "of a person" } }
      assert.equal("new words\n\n" .. mark, added[1].body)
      assert.same({}, changed)
    end)

    it("changes its own instead of adding another", function()
      local added, changed = say { { id = 5, body = "old\n\n" .. mark } }
      assert.same({}, added)
      assert.equal(5, changed[1].comment_id)
    end)

    it("leaves one that says the same already", function()
      local added, changed = say {
        { id = 5, body = "new words\n\n" .. mark } }
      assert.same({}, added)
      assert.same({}, changed)
    end)
  end)
end)

package.path = "scripts/?.lua;tests/spec/?.lua;" .. package.path
require "support.json"
local aws = require "lib.aws"

-- A ctx whose answers come in order; what was asked is kept.
local function answering(answers)
  local asked = {}
  local function ask(_, args)
    asked[#asked + 1] = args
    local answer = answers[math.min(#asked, #answers)]
    if answer.code then return nil, answer end
    return answer
  end
  return { aws = ask, try = { aws = ask } }, asked
end

local function read(answers, path, options)
  local ctx, asked = answering(answers)
  local found, stopped, err = aws.pages(ctx, "x:List", { a = 1 }, path or "l",
                                        options)
  return found, stopped, asked, err
end

describe("aws", function()
  it("reads on with the token's own name in each family", function()
    local families = {
      nextToken = "nextToken", NextToken = "NextToken",
      NextMarker = "Marker", Marker = "Marker",
      NextContinuationToken = "ContinuationToken",
      LastEvaluatedKey = "ExclusiveStartKey", nextForwardToken = "nextToken",
    }
    for there, here in pairs(families) do
      local found, stopped, asked = read {
        { l = { 1 }, [there] = "t" }, { l = { 2 } } }
      assert.same({ 1, 2 }, { found[1], found[2] }, there)
      assert.is_nil(stopped)
      assert.equal("t", asked[2][here], there)
      assert.equal(1, asked[2].a)
      assert.is_nil(asked[1][here])
    end
  end)

  it("reads on behind an empty page that carries a token", function()
    local found, stopped, asked = read {
      { l = {}, nextToken = "t" }, { nextToken = "u" }, { l = { 7 } } }
    assert.equal(7, found[1])
    assert.is_nil(stopped)
    assert.equal(3, #asked)
  end)

  it("ends at null, at an empty token and where nothing is cut", function()
    for _, last in ipairs {
      { l = { 1 }, nextToken = json.null }, { l = { 1 }, NextToken = "" },
      { l = { 1 }, LastEvaluatedKey = {} },
      { l = { 1 }, Marker = "m", IsTruncated = "false" },
      { l = { 1 }, Marker = "m", IsTruncated = false } } do
      local found, stopped, asked = read { last }
      assert.equal(1, #found)
      assert.is_nil(stopped)
      assert.equal(1, #asked)
    end
  end)

  it("ends where the service gives the same token again", function()
    local found, stopped, asked = read {
      { l = { 1 }, nextForwardToken = "f" },
      { l = {}, nextForwardToken = "f" } }
    assert.equal(1, #found)
    assert.is_nil(stopped)
    assert.equal(2, #asked)
  end)

  it("stops at its bounds, and says so", function()
    local token = 0
    local ctx = { aws = function()
      token = token + 1
      return { l = { 1, 2, 3 }, nextToken = "t" .. token }
    end }
    local found, stopped = aws.pages(ctx, "x:List", {}, "l", { max_pages = 4 })
    assert.equal(12, #found)
    assert.equal("not read beyond 4 pages", stopped)
    found, stopped = aws.pages(ctx, "x:List", {}, "l", { max_items = 5 })
    assert.equal(5, #found)
    assert.equal("not read beyond 5 items", stopped)
  end)

  it("keeps what it has when a later page fails", function()
    local found, stopped, _, err = read({
      { l = { 1 }, nextToken = "t" }, { code = "denied", text = "no" } }, "l",
      { try = true })
    assert.equal(1, #found)
    assert.equal("no", stopped)
    assert.equal("denied", err.code)
  end)

  it("finds a list below other names", function()
    local found = read({ { q = { l = { 5 } } } }, "q.l")
    assert.equal(5, found[1])
  end)
end)

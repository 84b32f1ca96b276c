package.path = "scripts/?.lua;tests/spec/?.lua;" .. package.path
require "support.json"
local fake = require "support.fake_ctx"
local node = require "nodes.verification"

local QUERY = "prometheus:query"

local function body(value)
  local series = {}
  if value then series[1] = { metric = {}, value = { 1, tostring(value) } } end
  return { status = "success", data = { resultType = "vector",
                                        result = series } }
end

-- Past samples carry a time, present ones do not.
local function verify(before, after, acted_at)
  local ctx = fake.ctx(node, { [QUERY] = function(args)
    return body((args.time and before or after)[1] ~= nil and
      table.remove(args.time and before or after, 1) or nil)
  end })
  local verdict, output = node.run(ctx, {
    service = { health = "errors", health_threshold = 0.05, settle = 60 },
    incident = { started_ms = 1772330584000 }, acted_at = acted_at,
  })
  assert.equal(verdict, output.verdict)
  return verdict, ctx, output
end

local ACTED = "2026-03-01T02:10:00Z"

describe("verification", function()
  it("passes when every sample is well that was ill before", function()
    assert.equal("pass", (verify({ 0.4, 0.4, 0.4 }, { 0, 0.01, 0.05 },
      ACTED)))
  end)

  it("fails when one sample still is above the threshold", function()
    assert.equal("fail", (verify({ 0.4, 0.4, 0.4 }, { 0, 0, 0.06 }, ACTED)))
  end)

  it("calls worse what is clearly above the baseline", function()
    assert.equal("worse", (verify({ 0.1, 0.1, 0.1 }, { 0.7, 0.8, 0.7 },
      ACTED)))
  end)

  it("is unknown when a sample is missing on either side", function()
    assert.equal("unknown", (verify({ 0.4, 0.4 }, { 0, 0, 0 }, ACTED)))
    assert.equal("unknown", (verify({ 0.4, 0.4, 0.4 }, { 0, 0 }, ACTED)))
  end)

  it("is unknown when the query did not see the failure", function()
    assert.equal("unknown", (verify({ 0, 0, 0 }, { 0, 0, 0 }, ACTED)))
  end)

  it("is unknown without a query", function()
    local ctx = fake.ctx(node, {})
    assert.equal("unknown", (node.run(ctx, { service = {}, incident = {} })))
  end)

  it("asks the same query for times before it acted, and then now", function()
    local _, ctx = verify({ 1, 1, 1 }, { 0, 0, 0 }, ACTED)
    local asked = fake.asked(ctx, QUERY)
    assert.equal(6, #asked)
    assert.equal("2026-03-01T02:08:45Z", asked[1].time)
    assert.equal("2026-03-01T02:09:45Z", asked[3].time)
    for i = 4, 6 do assert.same({ query = "errors" }, asked[i]) end
  end)

  it("waits for the service to settle, and between samples", function()
    local _, ctx = verify({ 1, 1, 1 }, { 0, 0, 0 }, ACTED)
    assert.equal(90000, ctx.now_ms)
  end)

  it("looks before the incident, and never says worse, when nothing was done",
    function()
      local verdict, ctx = verify({ 0, 0, 0 }, { 0.9, 0.9, 0.9 })
      assert.equal("fail", verdict)
      assert.equal("2026-03-01T01:53:04Z", fake.asked(ctx, QUERY)[3].time)
      assert.equal("pass", (verify({ 0, 0, 0 }, { 0, 0, 0 })))
    end)
end)

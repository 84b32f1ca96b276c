package.path = "scripts/?.lua;tests/spec/?.lua;" .. package.path
require "support.json"
local prometheus = require "lib.prometheus"

local function body(kind, result)
  return { status = "success", data = { resultType = kind, result = result } }
end

local function vector(...)
  local result = {}
  for i, text in ipairs { ... } do
    result[i] = { metric = {}, value = { 1, text } }
  end
  return body("vector", result)
end

describe("prometheus", function()
  it("takes the worst of several series", function()
    assert.equal(0.4, prometheus.value(vector("0.1", "0.4", "0.2")))
    assert.equal(2, prometheus.value(body("scalar", { 1, "2" })))
  end)

  it("sees no sample in nothing, NaN, Inf, an error or a range", function()
    assert.is_nil(prometheus.value(vector()))
    assert.is_nil(prometheus.value(vector("NaN")))
    assert.is_nil(prometheus.value(vector("+Inf")))
    assert.is_nil(prometheus.value { status = "error" })
    assert.is_nil(prometheus.value(body("matrix", {})))
    assert.is_nil(prometheus.value(nil))
  end)

  it("is healthy only when every sample is", function()
    assert.is_true(prometheus.healthy({ 0.05, 0 }, 0.05))
    assert.is_false(prometheus.healthy({ 0, 0.06 }, 0.05))
    assert.is_false(prometheus.healthy({}, 0.05))
  end)

  it("calls worse only what is clearly above the baseline", function()
    local above = prometheus.clearly_above
    assert.is_true(above({ 0.7, 0.7 }, { 0.1, 0.12 }, 0.05))
    assert.is_false(above({ 0.45 }, { 0.4 }, 0.05))
    assert.is_false(above({ 0.04 }, { 0.001 }, 0.05))
  end)

  it("gives a rule's bare name the labels of the service", function()
    assert.equal('job:errors{cluster="a",service="b\\"c"}',
      prometheus.of_service("job:errors", "a", 'b"c'))
    assert.equal("sum(x)", prometheus.of_service("sum(x)", "a", "b"))
  end)
end)

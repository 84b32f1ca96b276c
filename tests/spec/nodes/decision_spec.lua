package.path = "scripts/?.lua;tests/spec/?.lua;" .. package.path
require "support.json"
local fake = require "support.fake_ctx"
local node = require "nodes.decision"

local function decide(fields, more)
  local e = { desired = 4, running = 4, steady = true, rolling = false,
              rollout_failed = false, failed_checks = 0,
              stops = { crashed = 0, unhealthy = 0 }, health = 0.3,
              health_threshold = 0.05, saturation_threshold = 0.8 }
  for key, value in pairs(fields) do e[key] = value end
  local input = { service = { max = 8 }, evidence = e, commits = {} }
  for key, value in pairs(more or {}) do input[key] = value end
  return node.run(fake.ctx(node, {}), input)
end

describe("decision", function()
  it("hands over the step with scale_up", function()
    local outcome, output = decide { saturation = 0.95 }
    assert.equal("scale_up", outcome)
    assert.equal(2, output.by)
    assert.equal(0.85, output.confidence)
  end)

  it("hands over the commit with revert", function()
    local outcome, output = decide({ rollout_failed = true },
      { commits = { { sha = "6dcb09b5b", at = "2026-03-01T01:40:00Z" } } })
    assert.equal("revert", outcome)
    assert.equal("6dcb09b5b", output.commit)
  end)

  it("is unsure with its reasons when nothing is likely", function()
    local outcome, output = decide({ rollout_failed = true })
    assert.equal("unsure", outcome)
    assert.equal("revert: no commit is known that the deploy can have "
      .. "brought", output.reasons[1])
    assert.equal(5, #output.hypotheses)
  end)
end)

package.path = "scripts/?.lua;tests/spec/?.lua;" .. package.path
require "support.json"
local policy = require "policies.confident"

local function decide(confidence, facts)
  return (policy.decide("restart", { confidence = confidence }, facts))
end

describe("confident", function()
  it("lets looking and waiting pass", function()
    assert.equal("restart", decide(0, { attempts = 9, limit = 2 }))
  end)

  it("asks for more confidence the higher the risk", function()
    local facts = { attempts = 0, limit = 2, risk = "medium" }
    assert.equal("restart", decide(0.6, facts))
    assert.equal("unsure", decide(0.59, facts))
    facts.risk = "high"
    assert.equal("unsure", decide(0.79, facts))
    facts.risk = "low"
    assert.equal("restart", decide(0.5, facts))
  end)

  it("stops when the attempts are used, however sure", function()
    assert.equal("unsure", decide(1, { attempts = 2, limit = 2,
                                       risk = "low" }))
    assert.equal("restart", decide(1, { attempts = 1, limit = 2,
                                        risk = "low" }))
  end)

  it("takes an unknown risk for one that nothing is sure enough for",
    function()
      assert.equal("unsure", decide(0.99, { attempts = 0, limit = 2,
                                            risk = "extreme" }))
    end)

  it("declares what it may turn an outcome into", function()
    assert.same({ "unsure" }, policy.adds)
  end)
end)

package.path = "scripts/?.lua;tests/spec/?.lua;" .. package.path
require "support.json"
local hypotheses = require "lib.hypotheses"

-- Evidence of a steady service, and what a spec says otherwise.
local function evidence(fields)
  local e = { desired = 4, running = 4, steady = true, rolling = false,
              rollout_failed = false, failed_checks = 0,
              stops = { crashed = 0, unhealthy = 0 }, health = 0.3,
              health_threshold = 0.05, saturation_threshold = 0.8 }
  for key, value in pairs(fields) do e[key] = value end
  return e
end

local function best(e, more)
  local facts = { evidence = evidence(e), service = { max = 8 }, commits = {} }
  for key, value in pairs(more or {}) do facts[key] = value end
  return hypotheses.best(hypotheses.weigh(facts))
end

local DEPLOY = { id = "d2", created_at = "2026-03-01T02:00:00Z" }
local COMMIT = { sha = "6dcb09b5b578", at = "2026-03-01T01:40:00Z" }
local LATER = { sha = "1111111aaaaa", at = "2026-03-01T02:10:00Z" }
local CRASHES = { crashed = 4, unhealthy = 0 }

describe("hypotheses", function()
  it("waits for a rollout, whatever else is seen", function()
    local h = best { rolling = true, stops = CRASHES, saturation = 0.9 }
    assert.equal("wait", h.action)
  end)

  it("does not wait a third time", function()
    assert.is_nil(best({ rolling = true }, { waits = { {}, {} } }))
  end)

  it("calls a service settled only after a wait and in health", function()
    local waited = { waits = { {} } }
    assert.equal("settled", best({ health = 0.01 }, waited).action)
    assert.is_nil(best({ health = 0.01 }))
    assert.is_nil(best({ health = 0.3 }, waited))
    assert.is_nil(best({ health = 0.01, steady = false }, waited))
  end)

  it("reverts the newest commit before a deploy with new errors", function()
    local h = best({ fresh_deploy = DEPLOY, new_errors = 20 },
      { commits = { LATER, COMMIT } })
    assert.equal("revert", h.action)
    assert.equal(COMMIT.sha, h.commit)
    assert.equal(0.9, h.confidence)
  end)

  it("is less sure of a revert when several commits came", function()
    local h = best({ rollout_failed = true },
      { commits = { COMMIT, COMMIT } })
    assert.equal(0.7, h.confidence)
  end)

  it("neither reverts nor restarts a bad deploy without a commit", function()
    assert.is_nil(best { fresh_deploy = DEPLOY, new_errors = 20,
                         stops = CRASHES })
    assert.is_nil(best({ rollout_failed = true, running = 0 }))
  end)

  it("does not revert a deploy whose errors are older than it", function()
    assert.is_nil(best({ fresh_deploy = DEPLOY, new_errors = 0 },
      { commits = { COMMIT } }))
  end)

  it("scales up when saturated, by half again", function()
    local h = best { saturation = 0.9 }
    assert.equal("scale_up", h.action)
    assert.equal(2, h.by)
    assert.equal(3, best({ saturation = 0.9 },
      { service = { max = 8, step = 3 } }).by)
  end)

  it("does not scale without a maximum", function()
    assert.is_nil(best({ saturation = 0.9 }, { service = {} }))
  end)

  it("restarts a crash loop without a deploy", function()
    local h = best { stops = CRASHES }
    assert.equal("restart", h.action)
    assert.equal(0.8, h.confidence)
  end)

  it("restarts a hang: ill, and failing its health checks", function()
    local hang = { stops = { crashed = 0, unhealthy = 3 } }
    assert.equal("restart", best(hang).action)
    hang.health = 0.01
    assert.is_nil(best(hang))
  end)

  it("tries a restart again with less confidence, and not thrice", function()
    local once = { restarts = { { outcome = "restarted" } } }
    assert.equal(0.65, best({ stops = CRASHES }, once).confidence)
    local twice = { restarts = { { outcome = "restarted" },
                                 { outcome = "stuck" } } }
    assert.is_nil(best({ stops = CRASHES }, twice))
  end)

  it("does not count a refused restart as tried", function()
    local busy = { restarts = { { outcome = "busy" } } }
    assert.equal(0.8, best({ stops = CRASHES }, busy).confidence)
  end)

  it("says why it is unsure", function()
    local list = hypotheses.weigh { evidence = evidence { saturation = 0.9 },
                                    service = {}, commits = {} }
    assert.same({ "an attempt was verified: fail, still above",
                  "scale_up: no maximum is known" },
      { table.unpack(hypotheses.doubts(list,
        { { verdict = "fail", reason = "still above" } }), 1, 2) })
  end)
end)

package.path = "scripts/?.lua;tests/spec/?.lua;" .. package.path
require "support.json"
local handover = require "lib.handover"

local incident = {
  started_at = "2026-03-01T02:03:04Z", status = "firing",
  labels = { alertname = "Errors", service = "checkout", cluster = "prod" },
  annotations = { summary = "`## fake heading`\n## again" },
  links = { alert = "http://prometheus/graph" },
}

describe("handover", function()
  it("is written even when the run saw nothing", function()
    local text = handover.markdown { incident = incident, run = { id = "r" } }
    assert.truthy(text:find("# Errors: checkout in prod", 1, true))
    assert.truthy(text:find("nothing: the service was not described", 1, true))
    assert.truthy(text:find("http://prometheus/graph", 1, true))
  end)

  it("does not let text from outside make headings", function()
    local text = handover.markdown { incident = incident, run = { id = "r" } }
    assert.is_nil(text:find("\n## again", 1, true))
    assert.is_nil(text:find("`## fake", 1, true))
  end)

  it("calls what has no service by its sender's name for it", function()
    local text = handover.markdown { run = { id = "r" }, incident = {
      started_at = "2026-03-01T02:03:04Z", status = "firing",
      labels = { site = "x" }, fingerprint = "site\n# x" } }
    assert.equal("# Alert: site # x", text:match "^[^\n]*")
  end)

  it("shows what was tried, how it was verified and what failed", function()
    local text = handover.markdown {
      incident = incident,
      run = { id = "r", path = { { node = "analyst", outcome = "found" } },
              failure = { node = "auditor", code = "timeout", text = "slow" } },
      verdicts = { { verdict = "fail", reason = "still above" } },
      pull = "https://github.com/o/r/pull/1",
    }
    assert.truthy(text:find("1. analyst: found", 1, true))
    assert.truthy(text:find("verdict fail: still above", 1, true))
    assert.truthy(text:find("auditor ended with timeout: `slow`", 1, true))
    assert.truthy(text:find("pull request https://github.com/o/r/pull/1", 1,
      true))
  end)
end)

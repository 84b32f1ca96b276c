package.path = "scripts/?.lua;tests/spec/?.lua;" .. package.path
require "support.json"
local fake = require "support.fake_ctx"
local node = require "nodes.escalation"

local input = {
  incident = { labels = { alertname = "Errors", service = "checkout",
                          cluster = "prod" }, started_at = "x", status = "y" },
  run = { id = "run_1", path = {} },
}

describe("escalation", function()
  it("sends the hand-over to whoever is on call", function()
    local ctx = fake.ctx(node, { ["notify:oncall"] = { {} } })
    local outcome, output = node.run(ctx, input)
    assert.equal("handed_over", outcome)
    assert.is_true(output.notified)
    local sent = fake.asked(ctx, "notify:oncall")[1]
    assert.equal("Errors: checkout in prod", sent.title)
    assert.equal(output.handover, sent.text)
  end)

  it("still hands over when no channel is configured", function()
    local ctx = fake.ctx(node, {
      ["notify:oncall"] = { { code = "not_found", text = "no channel" } } })
    local outcome, output = node.run(ctx, input)
    assert.equal("handed_over", outcome)
    assert.is_false(output.notified)
    assert.truthy(output.handover:find("^# Errors"))
  end)
end)

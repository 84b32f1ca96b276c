package.path = "scripts/?.lua;tests/spec/?.lua;" .. package.path
require "support.json"
local delivery = require "support.delivery"
local read, refused = delivery.read, delivery.refused

describe("pagerduty", function()
  it("is one firing from triggered to resolved", function()
    local first, again = read "pagerduty_triggered", read "pagerduty_escalated"
    assert.equal(first.key, again.key)
    assert.equal(first.started_at, again.started_at)
    local over = read "pagerduty_resolved"
    assert.equal(first.key, over.key)
    assert.is_nil(over.started_at)
    assert.equal("2026-03-01T03:00:00.500Z", over.ended_at)
  end)

  it("takes a reopened incident for a new firing", function()
    local again = read "pagerduty_reopened"
    assert.equal("firing", again.status)
    assert.equal("2026-03-01T03:10:00.500Z", again.started_at)
  end)

  it("starts nothing and ends nothing because a person acted", function()
    for _, name in ipairs { "pagerduty_acknowledged", "pagerduty_annotated",
                            "pagerduty_ping" } do
      local one, notes = read(name)
      assert.is_nil(one)
      assert.is_string(notes.ignored)
    end
  end)

  it("labels it with the names that people gave", function()
    assert.same({ service = "checkout", escalation_policy = "Default",
                  priority = "P1", urgency = "high" },
      read("pagerduty_triggered").labels)
    assert.is_nil(read("pagerduty_escalated").labels.priority)
  end)

  it("refuses an incident without id or moments", function()
    for field, at in pairs { id = "event.data.id",
                             created_at = "event.data.created_at" } do
      local code, text = refused("pagerduty_triggered", function(body)
        body.event.data[field] = nil
      end)
      assert.equal("event_shape", code)
      assert.equal(at .. ": a text is expected", text)
    end
    local _, text = refused("pagerduty_resolved", function(body)
      body.event.occurred_at = "soon"
    end)
    assert.equal('event.occurred_at: "soon" is no RFC 3339 time', text)
  end)
end)

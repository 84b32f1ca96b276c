package.path = "scripts/?.lua;tests/spec/?.lua;" .. package.path
require "support.json"
local delivery = require "support.delivery"
local read, refused = delivery.read, delivery.refused

describe("grafana", function()
  it("does not believe the start of what is over", function()
    local _, _, list = read "grafana_mixed"
    assert.equal("2026-03-01T02:03:10Z", list[1].started_at)
    assert.is_nil(list[2].started_at)
    assert.equal("2026-03-01T02:33:10Z", list[2].ended_at)
  end)

  it("falls back on the start where no end was written", function()
    local _, _, list = read("grafana_mixed", function(body)
      body.alerts[2].endsAt = "0001-01-01T00:00:00Z"
    end)
    assert.equal("2026-03-01T02:33:10Z", list[2].started_at)
    assert.is_nil(list[2].ended_at)
  end)

  it("shows what the rule saw, and no empty links", function()
    local one = read "grafana_firing"
    assert.matches("value=44", one.annotations.values)
    assert.is_nil(one.links.dashboard)
    assert.matches("^https://grafana", one.links.alert)
    assert.is_nil(read("grafana_no_data").annotations.values)
  end)

  it("counts what the sender left out", function()
    local _, notes = read "grafana_truncated"
    assert.equal(12, notes.truncated)
  end)

  it("refuses what a custom template wrote", function()
    local code, text = refused "grafana_template"
    assert.equal("event_version", code)
    assert.equal('version: nothing, expected "1"', text)
  end)
end)

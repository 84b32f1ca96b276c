package.path = "scripts/?.lua;tests/spec/?.lua;" .. package.path
require "support.json"
local source = require "sources.alertmanager"

local function alert(fields)
  local one = { status = "firing", fingerprint = "33abd852287c601f",
                startsAt = "2026-03-01T02:03:04.5Z",
                endsAt = "0001-01-01T00:00:00Z",
                labels = { service = "checkout" }, annotations = {},
                generatorURL = "http://prometheus/graph" }
  for key, value in pairs(fields or {}) do one[key] = value end
  return one
end

local function read(...)
  return source.occurrences { body = {
    version = "4", status = "firing", alerts = { ... },
    externalURL = "http://alertmanager",
  } }
end

local function refused(body)
  local ok, err = pcall(source.occurrences, { body = body })
  assert.is_false(ok)
  return err.code, err.text
end

describe("alertmanager", function()
  it("makes an occurrence of each alert, each with its own status", function()
    local list = read(alert(), alert { status = "resolved",
                                       fingerprint = "other",
                                       endsAt = "2026-03-01T03:00:00Z" })
    assert.equal("firing", list[1].status)
    assert.is_nil(list[1].ended_at)
    assert.is_nil(read(alert { endsAt = "2026-03-01T03:00:00Z" })[1].ended_at)
    assert.equal("resolved", list[2].status)
    assert.equal("2026-03-01T03:00:00Z", list[2].ended_at)
  end)

  it("keeps key, start, labels and links as they were sent", function()
    local one = read(alert())[1]
    assert.equal("33abd852287c601f", one.key)
    assert.equal("2026-03-01T02:03:04.5Z", one.started_at)
    assert.same({ service = "checkout" }, one.labels)
    assert.same({ alert = "http://prometheus/graph",
                  alertmanager = "http://alertmanager" }, one.links)
  end)

  it("takes an alert that is in a notification twice once", function()
    local list, notes = read(alert(), alert())
    assert.equal(1, #list)
    assert.same({ truncated = 0, duplicates = 1 }, notes)
  end)

  it("believes resolved when a notification says both", function()
    local gone = alert { status = "resolved", endsAt = "2026-03-01T03:00:00Z" }
    assert.equal("resolved", read(alert(), gone)[1].status)
    assert.equal("resolved", read(gone, alert())[1].status)
    assert.equal(1, #read(gone, alert()))
  end)

  it("takes no end from a missing, empty or zero endsAt", function()
    for _, ends in ipairs { json.null, "", "0001-01-01T00:00:00Z" } do
      assert.is_nil(read(alert { status = "resolved", endsAt = ends })[1]
        .ended_at)
    end
  end)

  it("says how many alerts the sender left out", function()
    local _, notes = source.occurrences { body = {
      version = "4", alerts = { alert() }, truncatedAlerts = 7 } }
    assert.equal(7, notes.truncated)
    local code, text = refused { version = "4", alerts = { alert() },
                                 truncatedAlerts = "7" }
    assert.equal("event_shape", code)
    assert.equal("truncatedAlerts: a whole number is expected", text)
  end)

  it("refuses another version, a missing one and a numeric 4", function()
    for _, version in ipairs { "5", 4, json.null } do
      assert.equal("event_version", (refused { version = version,
                                               alerts = { alert() } }))
    end
    assert.equal("event_version", (refused { alerts = { alert() } }))
  end)

  it("names the place of what is missing or odd", function()
    local function place(fields)
      local code, text = refused { version = "4",
                                   alerts = { alert(), alert(fields) } }
      assert.equal("event_shape", code)
      return text:match "^[^:]*"
    end
    assert.equal("alerts[1].status", place { status = "maybe" })
    assert.equal("alerts[1].fingerprint", place { fingerprint = "" })
    assert.equal("alerts[1].startsAt", place { startsAt = "yesterday" })
    assert.equal("alerts[1].labels", place { labels = json.null })
    assert.equal("alerts[1].labels.n", place { labels = { n = 7 } })
    assert.equal("alerts[1].annotations", place { annotations = "x" })
  end)

  it("refuses a list at the top and a notification without alerts", function()
    assert.equal("event_shape", (refused { { version = "4" } }))
    assert.equal("event_shape", (refused(json.null)))
    assert.equal("event_shape", (refused { version = "4" }))
    assert.equal("event_shape", (refused { version = "4", alerts = {} }))
  end)
end)

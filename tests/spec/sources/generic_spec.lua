package.path = "scripts/?.lua;tests/spec/?.lua;" .. package.path
require "support.json"
local delivery = require "support.delivery"
local read, refused = delivery.read, delivery.refused

local function place(alter, name)
  local code, text = refused(name or "generic_one", alter)
  assert.equal("event_shape", code)
  return text:match "^(.-): "
end

local function set(field, value)
  return function(body) body[field] = value end
end

describe("generic", function()
  it("takes one, a list, and either inside a CloudEvent", function()
    assert.equal("backup/nightly", read("generic_one").key)
    local _, _, list = read "generic_list"
    assert.equal(2, #list)
    assert.equal("backup", read("generic_cloudevent").key)
  end)

  it("names the field that is wrong", function()
    assert.equal("key", place(set("key", "")))
    assert.equal("key", place(set("key", nil)))
    assert.equal("status", place(set("status", "burning")))
    assert.equal("started_at", place(set("started_at", nil)))
    assert.equal("started_at", place(set("started_at", "noon")))
    assert.equal("ended_at", place(set("ended_at", 7)))
    assert.equal("labels", place(set("labels", nil)))
    assert.equal("labels.port", place(set("labels", { port = 8080 })))
    assert.equal("links", place(set("links", "x")))
    assert.equal("label", place(set("label", {})))
  end)

  it("names it in a list and in a CloudEvent too", function()
    local function spoil(body) body.occurrences[2].status = 1 end
    assert.equal("occurrences[1].status", place(spoil, "generic_list"))
    local function inner(body) body.data.occurrences[1].key = nil end
    assert.equal("data.occurrences[0].key",
      place(inner, "generic_cloudevent"))
    assert.equal("surplus", place(set("surplus", 1), "generic_list"))
    assert.equal("occurrences", place(set("occurrences", { a = 1 }),
      "generic_list"))
  end)

  it("lets an end leave out its beginning, and a firing not", function()
    local one = read "generic_ended"
    assert.is_nil(one.started_at)
    assert.equal("2026-03-01T05:00:00Z", one.ended_at)
    assert.equal("ended_at", place(set("ended_at", nil), "generic_ended"))
  end)

  it("believes resolved where a delivery says both", function()
    local one, notes = read "generic_list"
    assert.equal("resolved", one.status)
    assert.equal(1, notes.duplicates)
  end)
end)

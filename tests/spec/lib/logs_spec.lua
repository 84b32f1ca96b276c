package.path = "scripts/?.lua;tests/spec/?.lua;" .. package.path
require "support.json"
local logs = require "lib.logs"

local function event(timestamp, message)
  return { timestamp = timestamp, message = message }
end

describe("logs", function()
  it("masks what differs from line to line", function()
    assert.equal("user <n> timed out after <n> ms",
      logs.mask "user 17 timed out after 3002.5 ms")
    assert.equal("lease <id> at <address>", logs.mask(
      "lease 7f3c9a1e-52d4-4b7e-9c1a-0f5e6d7c8b9a at 10.0.0.1:80"))
    assert.equal("page <hex>", logs.mask "page 0xff")
    assert.equal("<time> commit <hex>",
      logs.mask "2026-03-01T02:03:04.5Z commit 6dcb09b5b57875f3")
  end)

  it("leaves words alone that merely look like hex", function()
    assert.equal("deadbeef was added", logs.mask "deadbeef was added")
  end)

  it("counts patterns, the most frequent first", function()
    local groups = logs.group {
      event(30, "slow query 7"), event(10, "order 1 lost"),
      event(20, "order 2 lost"),
    }
    assert.equal("order <n> lost", groups[1].pattern)
    assert.equal(2, groups[1].count)
    assert.equal(10, groups[1].first_ms)
    assert.equal(20, groups[1].last_ms)
    assert.equal(1, groups[2].count)
  end)

  it("keeps three samples and no half characters", function()
    local events = {}
    for i = 1, 9 do events[i] = event(i, "x" .. ("é"):rep(400)) end
    local group = logs.group(events)[1]
    assert.equal(3, #group.samples)
    assert.truthy(utf8.len(group.samples[1]))
    assert.truthy(utf8.len(group.pattern))
  end)

  it("counts as new only patterns never seen before the moment", function()
    local groups = logs.group {
      event(10, "provider down"), event(60, "provider down"),
      event(70, "undefined currency"), event(80, "undefined currency"),
    }
    assert.equal(2, logs.new_since(groups, 50))
  end)
end)

package.path = "scripts/?.lua;tests/spec/?.lua;" .. package.path
require "support.json"
local once = require "lib.occurrence".once

local function one(status, fields)
  local made = { key = "k", status = status,
                 started_at = "2026-03-01T02:00:00Z" }
  for name, value in pairs(fields or {}) do made[name] = value end
  return made
end

local function states(...)
  local list, repeats = once { ... }
  local words = {}
  for i, each in ipairs(list) do words[i] = each.status end
  return table.concat(words, " "), repeats
end

describe("occurrence", function()
  it("keeps one of those that are the same", function()
    local words, repeats = states(one "firing", one "firing", one "firing")
    assert.equal("firing", words)
    assert.equal(2, repeats)
  end)

  it("takes resolved from wherever it stands", function()
    assert.equal("resolved", (states(one "firing", one "resolved")))
    assert.equal("resolved", (states(one "resolved", one "firing")))
  end)

  it("keeps apart what began at another moment, and other keys", function()
    assert.equal("firing firing firing", (states(one "firing",
      one("firing", { started_at = "2026-03-01T03:00:00Z" }),
      one("firing", { key = "other" }))))
  end)

  it("keeps an end of a key beside what fires", function()
    local gone = { key = "k", status = "resolved",
                   ended_at = "2026-03-01T02:00:00Z" }
    assert.equal("firing resolved", (states(one "firing", gone, gone)))
  end)
end)

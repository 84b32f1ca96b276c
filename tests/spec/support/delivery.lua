-- The deliveries of tests/fixtures/sources, to be read as they are or altered.

local cjson = require "cjson"

local delivery = {}

-- A fresh copy: a spec may write into it.
function delivery.of(name)
  local file = assert(io.open("tests/fixtures/sources/" .. name .. ".json"))
  local text = file:read "a"
  file:close()
  return cjson.decode(text)
end

-- The first occurrence, the notes and the list; `alter(body)` comes before.
function delivery.read(name, alter)
  local one = delivery.of(name)
  if alter then alter(one.body) end
  local source = require("sources." .. one.source)
  local list, notes = source.occurrences { headers = one.headers,
                                           body = one.body, received_ms = 0 }
  return list[1], notes, list
end

-- Code and text of the refusal.
function delivery.refused(name, alter)
  local ok, err = pcall(delivery.read, name, alter)
  assert(not ok, name .. " was taken")
  assert(type(err) == "table", err)
  return err.code, err.text
end

return delivery

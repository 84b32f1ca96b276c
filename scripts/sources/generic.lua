-- Plain JSON to occurrences, for senders that can write what we ask for.
--
-- One occurrence is the body itself, several are a list under `occurrences`,
-- and either may be the data of a CloudEvents 1.0 event in structured mode.
-- The fields are those of an occurrence, so this source only checks them:
--
--   { "key": "…", "status": "firing" | "resolved", "started_at": RFC 3339,
--     "ended_at": …, "labels": {…}, "annotations": {…}, "links": {…} }
--
-- `resolved` may leave out started_at when it has ended_at: it then resolves
-- whatever of its key began before. A field that is not known is refused: a
-- misspelt `labels` would otherwise match no playbook, in silence.

local once = require "lib.occurrence".once
local payload = require "lib.payload"

local FIELDS = { key = true, status = true, started_at = true,
                 ended_at = true, labels = true, annotations = true,
                 links = true }

local function check_fields(one, place)
  for name in pairs(one) do
    if not FIELDS[name] then
      payload.refuse(place, name, "no field of an occurrence")
    end
  end
end

local function start_of(one, status, place)
  local started_at = payload.moment_or_nil(one, "started_at", place)
  if started_at then return started_at end
  if status == "firing" then
    payload.refuse(place, "started_at", "a text is expected")
  end
  if payload.absent(one.ended_at) then
    payload.refuse(place, "ended_at", "a text is expected where "
      .. "started_at is missing")
  end
  return nil
end

local function read(one, place)
  payload.object(one, place ~= "" and place or nil)
  check_fields(one, place)
  local status = payload.status(one, "status", place)
  return {
    key = payload.text(one, "key", place),
    status = status,
    started_at = start_of(one, status, place),
    ended_at = payload.moment_or_nil(one, "ended_at", place),
    labels = payload.texts(one, "labels", place),
    annotations = payload.texts_or_empty(one, "annotations", place),
    links = payload.texts_or_empty(one, "links", place),
  }
end

local function read_all(body, place)
  if body.occurrences == nil then return { read(body, place) } end
  local inner = place == "" and "occurrences" or place .. ".occurrences"
  for name in pairs(body) do
    if name ~= "occurrences" then
      payload.refuse(place, name, "no field beside occurrences")
    end
  end
  local list, cursor = {}, { list = inner }
  for i, one in ipairs(payload.list(body, "occurrences", place)) do
    cursor.at = i
    list[i] = read(one, cursor)
  end
  return list
end

local function data_of(event)
  payload.version(event, "specversion", "1.0")
  if not payload.absent(event.data_base64) then
    payload.refuse("", "data_base64", "JSON is expected under data")
  end
  return payload.map(event, "data", "")
end

return {
  about = "Plain JSON occurrences, alone, in a list or in a CloudEvent.",
  ends_by_key = true,

  occurrences = function(request)
    local body, place = payload.object(request.body), ""
    if body.specversion ~= nil then body, place = data_of(body), "data" end
    local list, repeats = once(read_all(body, place))
    return list, { duplicates = repeats }
  end,
}

-- The notification that Alertmanager invented and Grafana writes too: one
-- group of alerts, firing and resolved ones mixed, each with its own status.
--
-- The notification's status says nothing about any one alert, and its groupKey
-- says how the sender routes, not what is broken; neither is taken. The
-- fingerprint is the key: it names the alert's labels, and with the start time
-- one firing. A moment without a value is written 0001-01-01T00:00:00Z.
--
-- This is the way of a storm, so an alert costs no text and no table beyond
-- what is handed on. What the sender left out of the notification can only be
-- counted here: a source asks nobody.

local occurrence = require "lib.occurrence"
local payload = require "lib.payload"

local ZERO = "0001-01-01T"

local notification = {}

-- Alerts of one group often begin together: one moment, read once.
local function reader()
  local known = {}
  return function(map, name, place)
    local text = map[name]
    if text ~= nil and known[text] then return text end
    text = payload.moment(map, name, place)
    known[text] = true
    return text
  end
end

local function end_of(alert, status, place, moment)
  if status == "firing" then return nil end
  local text = payload.text_or_nil(alert, "endsAt", place)
  if not text or text:sub(1, #ZERO) == ZERO then return nil end
  return moment(alert, "endsAt", place)
end

-- A link that is no text is left out: nothing is decided by it.
function notification.link(links, name, url)
  if type(url) == "string" and url ~= "" then links[name] = url end
end

local function read(alert, place, moment)
  payload.object(alert, place)
  local status = payload.status(alert, "status", place)
  return {
    key = payload.text(alert, "fingerprint", place),
    status = status,
    started_at = moment(alert, "startsAt", place),
    ended_at = end_of(alert, status, place, moment),
    labels = payload.texts(alert, "labels", place),
    annotations = payload.texts(alert, "annotations", place),
    links = json.object {},
  }
end

-- `finish(found, alert, body, place)` adds what only one sender has.
-- Gives the occurrences and the notes { truncated, duplicates }.
function notification.occurrences(body, version, finish)
  payload.object(body)
  payload.version(body, "version", version)
  local alerts = payload.list(body, "alerts", "")
  if #alerts == 0 then
    payload.refuse("", "alerts", "at least one alert is expected")
  end
  local truncated = payload.absent(body.truncatedAlerts) and 0
    or payload.number(body, "truncatedAlerts", "")
  local list, place, moment = {}, { list = "alerts", at = 0 }, reader()
  for i = 1, #alerts do
    place.at = i
    list[i] = read(alerts[i], place, moment)
    finish(list[i], alerts[i], body, place)
  end
  local kept, repeats = occurrence.once(list)
  return kept, { truncated = truncated, duplicates = repeats }
end

return notification

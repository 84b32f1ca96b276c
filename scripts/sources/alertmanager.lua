-- Alertmanager's webhook notification, version 4, to occurrences.
--
-- One notification carries a whole group and mixes firing and resolved
-- alerts, so each alert becomes an occurrence with its own status; the
-- notification's status says nothing about any one of them. The fingerprint
-- is the key: it names the alert's labels, and with the start time one firing.
--
-- Whatever is not as documented is refused with the place named, never
-- mended: half an event would heal the wrong thing.

local time = require "lib.time"

local VERSION = "4"
local NEVER = "^0001%-01%-01T"       -- endsAt of an alert that has no end yet

local function refuse(text, ...)
  error { code = "event_shape", text = text:format(...) }
end

local function text_of(alert, name, place)
  local value = alert[name]
  if type(value) ~= "string" or value == "" then
    refuse("%s.%s: a text is expected", place, name)
  end
  return value
end

local function texts_of(alert, name, place)
  local value = alert[name]
  if type(value) ~= "table" or value == json.null then
    refuse("%s.%s: an object is expected", place, name)
  end
  for key, text in pairs(value) do
    if type(key) ~= "string" or type(text) ~= "string" then
      refuse("%s.%s.%s: a text is expected", place, name, tostring(key))
    end
  end
  return value
end

local function moment_of(alert, name, place)
  local text = text_of(alert, name, place)
  if not time.ms(text) then
    refuse("%s.%s: %q is no RFC 3339 time", place, name, text)
  end
  return text
end

local function status_of(alert, place)
  local status = text_of(alert, "status", place)
  if status ~= "firing" and status ~= "resolved" then
    refuse("%s.status: %q is neither firing nor resolved", place, status)
  end
  return status
end

local function end_of(alert, status, place)
  if status == "firing" then return nil end
  local text = moment_of(alert, "endsAt", place)
  return not text:find(NEVER) and text or nil
end

local function links_of(alert, body)
  local links = {}
  if type(alert.generatorURL) == "string" and alert.generatorURL ~= "" then
    links.alert = alert.generatorURL
  end
  if type(body.externalURL) == "string" and body.externalURL ~= "" then
    links.alertmanager = body.externalURL
  end
  return links
end

local function occurrence(alert, place, body)
  if type(alert) ~= "table" then refuse("%s: an object is expected", place) end
  local status = status_of(alert, place)
  return {
    key = text_of(alert, "fingerprint", place),
    status = status,
    started_at = moment_of(alert, "startsAt", place),
    ended_at = end_of(alert, status, place),
    labels = texts_of(alert, "labels", place),
    annotations = texts_of(alert, "annotations", place),
    links = links_of(alert, body),
  }
end

return {
  about = "Alertmanager webhook notifications, version 4.",

  occurrences = function(request)
    local body = request.body
    if type(body) ~= "table" or body == json.null or body[1] ~= nil then
      refuse("an object is expected")
    end
    if body.version ~= VERSION then
      error { code = "event_version", text = ("version %s, expected %q")
        :format(tostring(body.version), VERSION) }
    end
    local alerts, list = body.alerts, json.array {}
    if type(alerts) ~= "table" or #alerts == 0 then
      refuse("alerts: a list with at least one alert is expected")
    end
    for i, alert in ipairs(alerts) do
      list[i] = occurrence(alert, ("alerts[%d]"):format(i - 1), body)
    end
    return list
  end,
}

-- PagerDuty's webhooks, version 3, to occurrences.
--
-- The incident's id is the key, created_at, which every event of it carries,
-- the start. `triggered` fires; so do `escalated` and `unacknowledged`, which
-- say that nobody has taken it on and are the same firing once more: they make
-- up for a `triggered` that was lost. A reopened incident is a new firing, of
-- the moment of reopening, and since the event that resolves it does not say
-- which of the two it ends, it ends both.
--
-- Where a person acts on the incident - acknowledges, reassigns, notes, sets a
-- priority - nothing is given: that starts no remediation and ends none.

local payload = require "lib.payload"

local FIRES = {
  ["incident.triggered"] = "created",
  ["incident.escalated"] = "created",
  ["incident.unacknowledged"] = "created",
  ["incident.reopened"] = "now",
}

local RESOLVED = "incident.resolved"
local DATA = "event.data"

local function summary(data, name)
  local reference = payload.map_or_empty(data, name, DATA)
  return payload.text_or_nil(reference, "summary", DATA .. "." .. name)
end

local function labels_of(data)
  return json.object {
    service = summary(data, "service"),
    escalation_policy = summary(data, "escalation_policy"),
    priority = summary(data, "priority"),
    urgency = payload.text_or_nil(data, "urgency", DATA),
  }
end

local function start_of(event, data, fires)
  if fires == "created" then return payload.moment(data, "created_at", DATA) end
  return payload.moment(event, "occurred_at", "event")
end

local function occurrence(event, fires)
  local data = payload.map(event, "data", "event")
  local service = payload.map_or_empty(data, "service", DATA)
  return {
    key = payload.text(data, "id", DATA),
    status = fires and "firing" or "resolved",
    started_at = fires and start_of(event, data, fires) or nil,
    ended_at = not fires and payload.moment(event, "occurred_at", "event")
      or nil,
    labels = labels_of(data),
    annotations = json.object {
      title = payload.text_or_nil(data, "title", DATA),
      incident_key = payload.text_or_nil(data, "incident_key", DATA),
    },
    links = json.object {
      incident = payload.text_or_nil(data, "html_url", DATA),
      service = payload.text_or_nil(service, "html_url", DATA .. ".service"),
    },
  }
end

return {
  about = "PagerDuty webhooks, version 3: incidents.",
  ends_by_key = true,

  occurrences = function(request)
    local event = payload.map(payload.object(request.body), "event", "")
    local kind = payload.text(event, "event_type", "event")
    local fires = FIRES[kind]
    if not fires and kind ~= RESOLVED then
      return json.array {}, { ignored = payload.quoted(kind) }
    end
    return json.array { occurrence(event, fires) }
  end,
}

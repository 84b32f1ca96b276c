-- Grafana's alerting webhook, version 1, to occurrences.
--
-- The shape is Alertmanager's (lib.notification) with links of Grafana's own
-- and the measured values as text, which become the annotation `values`: they
-- are what the rule saw when it fired. A payload that a custom template wrote
-- has another shape; send that to the generic source.
--
-- Grafana may write into startsAt of a resolved alert when it ended, depending
-- on its version and on whether the alert was told twice. So an end is that of
-- all that its fingerprint began before, and startsAt is not believed then.
--
-- DatasourceNoData and DatasourceError come as alerts of their own. They are
-- handed on under those names and mean "unknown", so a trigger should name the
-- alert that it heals.

local notification = require "lib.notification"
local payload = require "lib.payload"

local LINKS = { generatorURL = "alert", dashboardURL = "dashboard",
                panelURL = "panel", silenceURL = "silence",
                imageURL = "image" }

local function with_values(annotations, values)
  local copy = json.object { values = values }
  for name, text in pairs(annotations) do copy[name] = text end
  return copy
end

local function finish(found, alert, body, place)
  if found.ended_at then found.started_at = nil end
  for field, name in pairs(LINKS) do
    notification.link(found.links, name, alert[field])
  end
  notification.link(found.links, "grafana", body.externalURL)
  local values = payload.text_or_nil(alert, "valueString", place)
  if values then found.annotations = with_values(found.annotations, values) end
end

return {
  about = "Grafana alerting webhook notifications, version 1.",
  ends_by_key = true,

  occurrences = function(request)
    return notification.occurrences(request.body, "1", finish)
  end,
}

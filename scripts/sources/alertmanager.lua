-- Alertmanager's webhook notification, version 4, to occurrences.
--
-- How a notification is read is lib.notification, shared with Grafana. An
-- alert that ends says when it began, so each end names the one it ends.
--
-- truncatedAlerts counts what max_alerts cut off. It is handed on as a note
-- and never ignored: those alerts are firing too, and nobody was told. Nothing
-- is fetched here; leave max_alerts at 0 for this receiver.

local notification = require "lib.notification"

local function finish(found, alert, body)
  notification.link(found.links, "alert", alert.generatorURL)
  notification.link(found.links, "alertmanager", body.externalURL)
end

return {
  about = "Alertmanager webhook notifications, version 4.",

  occurrences = function(request)
    return notification.occurrences(request.body, "4", finish)
  end,
}

-- A CloudWatch alarm's change of state to an occurrence, by either way out of
-- AWS: an SNS notification, or an EventBridge rule with an API destination.
--
-- The alarm's ARN is the key, ALARM fires and OK resolves what of the alarm
-- began before: neither way out says, when an alarm is over, since when it
-- was not. INSUFFICIENT_DATA is no news of what is broken and gives nothing;
-- an alarm that must not fall silent has "treat missing data as breaching".
--
-- Its labels are the alarm's name, account and region, the metric's namespace,
-- name and dimensions, and the alarm's tags where the rule sends them. Of ECS,
-- ClusterName and ServiceName are also `cluster` and `service`. Dimensions on
-- which the metrics of an alarm differ are left out: none of them is meant.

local cjson = require "cjson"
local payload = require "lib.payload"

local STATUS = { ALARM = "firing", OK = "resolved" }

local NAMES = { ClusterName = "cluster", ServiceName = "service" }

local STATE_CHANGE = "CloudWatch Alarm State Change"

-- AWS writes +0000 where RFC 3339 wants +00:00.
local function moment(map, name, place)
  local text = payload.text(map, name, place)
  local fixed = text:gsub("([+-]%d%d)(%d%d)$", "%1:%2")
  return payload.moment({ [name] = fixed }, name, place)
end

-- false: there are two of it.
local function add_label(labels, name, value)
  if labels[name] ~= nil and labels[name] ~= value then value = false end
  labels[name] = value
end

local function add_metric(labels, namespace, name, dimensions)
  if namespace then add_label(labels, "namespace", namespace) end
  if name then add_label(labels, "metric", name) end
  for dimension, value in pairs(dimensions) do
    add_label(labels, dimension, value)
    if NAMES[dimension] then add_label(labels, NAMES[dimension], value) end
  end
end

-- What is known of the alarm itself wins over a dimension of the same name.
local function finish_labels(labels, arn, name)
  local region, account = arn:match("^arn:[^:]*:cloudwatch:([^:]*):([^:]*):")
  local finished = json.object {}
  for label, value in pairs(labels) do finished[label] = value or nil end
  finished.alarm, finished.region, finished.account = name, region, account
  return finished
end

local function console(arn, name)
  local region = arn:match("^arn:aws:cloudwatch:([%w-]+):")
  if not region or name:find("[^%w_.-]") then return json.object {} end
  return json.object { alarm = ("https://%s.console.aws.amazon.com/cloudwatch/"
    .. "home?region=%s#alarmsV2:alarm/%s"):format(region, region, name) }
end

local function occurrence(change)
  local resolved = change.status == "resolved"
  return {
    key = change.arn,
    status = change.status,
    started_at = not resolved and change.at or nil,
    ended_at = resolved and change.at or nil,
    labels = finish_labels(change.labels, change.arn, change.name),
    annotations = json.object { description = change.description,
                                reason = change.reason },
    links = console(change.arn, change.name),
  }
end

-- The metrics of an alarm on an expression; an entry that is an expression
-- itself has none.
local function each_stat(list, path, field, take)
  local cursor = { list = path }
  for i, one in ipairs(list) do
    cursor.at = i
    local place = ("%s[%d].%s"):format(path, i - 1, field)
    take(payload.map_or_empty(payload.object(one, cursor), field, cursor),
      place)
  end
end

-- SNS: dimensions are a list of { name, value }.
local function listed(map, place)
  local dimensions = {}
  if payload.absent(map.Dimensions) then return dimensions end
  local cursor = { list = place .. ".Dimensions" }
  for i, one in ipairs(payload.list(map, "Dimensions", place)) do
    cursor.at = i
    payload.object(one, cursor)
    dimensions[payload.text(one, "name", cursor)] =
      payload.text(one, "value", cursor)
  end
  return dimensions
end

local function add_trigger(labels, metric, place)
  add_metric(labels, payload.text_or_nil(metric, "Namespace", place),
    payload.text_or_nil(metric, "MetricName", place), listed(metric, place))
end

local function sns_labels(message, root)
  local labels, place = {}, root .. "Trigger"
  local trigger = payload.map_or_empty(message, "Trigger", root:sub(1, -2))
  add_trigger(labels, trigger, place)
  if payload.absent(trigger.Metrics) then return labels end
  each_stat(payload.list(trigger, "Metrics", place), place .. ".Metrics",
    "MetricStat", function(stat, inner)
      add_trigger(labels, payload.map_or_empty(stat, "Metric", inner),
        inner .. ".Metric")
    end)
  return labels
end

-- `root` is "Message." in an envelope and "" without one.
local function from_sns(message, root)
  local place = root:sub(1, -2)
  local state = payload.text(message, "NewStateValue", place)
  if not STATUS[state] then return nil, "state " .. payload.quoted(state) end
  return {
    arn = payload.text(message, "AlarmArn", place),
    name = payload.text(message, "AlarmName", place),
    status = STATUS[state],
    at = moment(message, "StateChangeTime", place),
    labels = sns_labels(message, root),
    description = payload.text_or_nil(message, "AlarmDescription", place),
    reason = payload.text_or_nil(message, "NewStateReason", place),
  }
end

-- EventBridge: dimensions are an object.
local function add_event_metrics(labels, configuration, place)
  if payload.absent(configuration.metrics) then return end
  each_stat(payload.list(configuration, "metrics", place), place .. ".metrics",
    "metricStat", function(stat, inner)
      local metric = payload.map_or_empty(stat, "metric", inner)
      inner = inner .. ".metric"
      add_metric(labels, payload.text_or_nil(metric, "namespace", inner),
        payload.text_or_nil(metric, "name", inner),
        payload.texts_or_empty(metric, "dimensions", inner))
    end)
end

-- Tags weigh least.
local function event_labels(detail, configuration, place)
  local labels = {}
  add_event_metrics(labels, configuration, place .. ".configuration")
  for name, value in pairs(payload.texts_or_empty(detail, "alarmTags", place))
  do
    if labels[name] == nil then labels[name] = value end
  end
  return labels
end

local function arn_of(event, root)
  local resources = payload.list(event, "resources", root:sub(1, -2))
  if type(resources[1]) ~= "string" or resources[1] == "" then
    payload.refuse({ list = root .. "resources", at = 1 }, nil,
      "a text is expected")
  end
  return resources[1]
end

local function from_event(event, root)
  local place = root .. "detail"
  local detail = payload.map(event, "detail", root:sub(1, -2))
  local state = payload.map(detail, "state", place)
  local value = payload.text(state, "value", place .. ".state")
  if not STATUS[value] then return nil, "state " .. payload.quoted(value) end
  local configuration = payload.map_or_empty(detail, "configuration", place)
  return {
    arn = arn_of(event, root),
    name = payload.text(detail, "alarmName", place),
    status = STATUS[value],
    at = moment(state, "timestamp", place .. ".state"),
    labels = event_labels(detail, configuration, place),
    description = payload.text_or_nil(configuration, "description",
      place .. ".configuration"),
    reason = payload.text_or_nil(state, "reason", place .. ".state"),
  }
end

-- The message inside SNS's envelope, or the body where there is none: with raw
-- message delivery, or from EventBridge.
local function unwrap(body)
  local kind = payload.text_or_nil(body, "Type", "")
  if not kind then return body, "" end
  if kind ~= "Notification" then
    payload.refuse("", "Type", payload.quoted(kind) .. " is no notification; "
      .. "a subscription is confirmed by opening its SubscribeURL")
  end
  local text = payload.text(body, "Message", "")
  local ok, message = pcall(cjson.decode, text)
  if not ok or not payload.is_object(message) then
    payload.refuse("", "Message", "the JSON of an alarm is expected")
  end
  return message, "Message."
end

local function change_of(message, root)
  local kind = payload.text_or_nil(message, "detail-type", root:sub(1, -2))
  if not kind then return from_sns(message, root) end
  if kind ~= STATE_CHANGE then return nil, payload.quoted(kind) end
  return from_event(message, root)
end

return {
  about = "CloudWatch alarms, through Amazon SNS or Amazon EventBridge.",
  ends_by_key = true,

  occurrences = function(request)
    local change, ignored =
      change_of(unwrap(payload.object(request.body)))
    if not change then return json.array {}, { ignored = ignored } end
    return json.array { occurrence(change) }
  end,
}

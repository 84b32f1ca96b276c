package.path = "scripts/?.lua;tests/spec/?.lua;" .. package.path
require "support.json"
local delivery = require "support.delivery"
local read, refused = delivery.read, delivery.refused

describe("cloudwatch", function()
  it("is the same occurrence by SNS and by EventBridge", function()
    local sns = read "cloudwatch_sns_alarm"
    local event = read "cloudwatch_event_alarm"
    local through = read "cloudwatch_event_through_sns"
    for _, field in ipairs { "key", "status", "started_at" } do
      assert.equal(sns[field], event[field])
      assert.equal(sns[field], through[field])
    end
  end)

  it("lets OK end what the alarm began before", function()
    for _, name in ipairs { "cloudwatch_sns_raw_ok", "cloudwatch_event_ok" } do
      local one = read(name)
      assert.equal("resolved", one.status)
      assert.is_nil(one.started_at)
      assert.equal("2026-03-01T02:33:04.567+00:00", one.ended_at)
      assert.equal(read("cloudwatch_sns_alarm").key, one.key)
    end
  end)

  it("hears nothing in missing data", function()
    local one, notes = read "cloudwatch_sns_no_data"
    assert.is_nil(one)
    assert.equal('state "INSUFFICIENT_DATA"', notes.ignored)
  end)

  it("names cluster and service of ECS as the catalogue does", function()
    local labels = read("cloudwatch_sns_alarm").labels
    assert.equal("prod", labels.cluster)
    assert.equal("checkout", labels.service)
    assert.equal("123456789012", labels.account)
    assert.equal("eu-central-1", labels.region)
  end)

  it("leaves out what the metrics of an alarm differ in", function()
    local labels = read("cloudwatch_sns_math").labels
    assert.equal("prod", labels.cluster)
    assert.is_nil(labels.service)
    assert.is_nil(labels.metric)
  end)

  it("does not let a tag override what was measured", function()
    local labels = read("cloudwatch_event_alarm").labels
    assert.equal("prod", labels.cluster)
    assert.equal("critical", labels.severity)
  end)

  it("lets no dimension pretend to be the account", function()
    local labels = read("cloudwatch_event_alarm", function(body)
      body.detail.configuration.metrics[1].metricStat.metric.dimensions =
        { account = "999999999999", alarm = "another" }
    end).labels
    assert.equal("123456789012", labels.account)
    assert.equal("checkout-5xx", labels.alarm)
  end)

  it("makes no link from a name that would need escaping", function()
    local one = read("cloudwatch_event_alarm", function(body)
      body.detail.alarmName = "a/b c"
    end)
    assert.is_nil(next(one.links))
  end)

  it("says that a subscription waits to be confirmed", function()
    local code, text = refused "cloudwatch_sns_subscription"
    assert.equal("event_shape", code)
    assert.matches("SubscribeURL", text)
  end)
end)

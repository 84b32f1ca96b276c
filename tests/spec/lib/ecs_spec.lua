package.path = "scripts/?.lua;tests/spec/?.lua;" .. package.path
require "support.json"
local answers = require "support.ecs_answers"
local ecs = require "lib.ecs"

local deployment, service = answers.deployment, answers.service

describe("ecs", function()
  it("does not find a service that is inactive or not there", function()
    assert.is_nil(ecs.service { services = {} })
    assert.is_nil(ecs.service(answers.described { status = "INACTIVE" }))
    assert.truthy(ecs.service(answers.described()))
  end)

  it("sees a rollout in the primary deployment's state", function()
    assert.is_true(ecs.rolling(service { deployments = {
      deployment("d2", { rolloutState = "IN_PROGRESS" }), deployment "d1" } }))
    assert.is_false(ecs.rolling(service()))
  end)

  it("without a state takes a second deployment for a rollout", function()
    local stateless = service { deployments = {
      { id = "d2", status = "PRIMARY" }, { id = "d1", status = "ACTIVE" } } }
    assert.is_true(ecs.rolling(stateless))
  end)

  it("is steady only with one deployment and all tasks running", function()
    assert.is_true(ecs.steady(service()))
    assert.is_false(ecs.steady(service { runningCount = 2 }))
    assert.is_false(ecs.steady(service { pendingCount = 1 }))
    assert.is_false(ecs.steady(service { deployments = {
      deployment("d1", { rolloutState = "FAILED" }) } }))
  end)

  it("counts crashes and failed health checks, not ordinary stops", function()
    local function task(code, reason)
      return { stoppedAt = 100, stopCode = code, stoppedReason = reason,
               containers = { { name = "app", exitCode = 137 } } }
    end
    local stops = ecs.stops({
      task("EssentialContainerExited", "Essential container in task exited"),
      task("ServiceSchedulerInitiated", "Task failed ELB health checks in x"),
      task("ServiceSchedulerInitiated", "Scaling activity initiated by x"),
    }, 50000)
    assert.equal(1, stops.crashed)
    assert.equal(1, stops.unhealthy)
    assert.equal(137, stops.samples[1].exit_code)
    assert.equal(0, ecs.stops({ task("TaskFailedToStart", "x") }, 100001)
      .crashed)
  end)
end)

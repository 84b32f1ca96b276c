package.path = "scripts/?.lua;tests/spec/?.lua;" .. package.path
require "support.json"
local answers = require "support.ecs_answers"
local fake = require "support.fake_ctx"
local node = require "nodes.aws_ecs_wait_rollout"

local input = { service = { cluster = "prod", service = "checkout" } }

local function state(rollout)
  return answers.described { deployments = {
    answers.deployment("d2", { rolloutState = rollout }) } }
end

local function await(...)
  return node.run(fake.ctx(node, { ["aws:ecs:DescribeServices"] = { ... } }),
    input)
end

describe("aws_ecs_wait_rollout", function()
  it("is over when the rollout ends, well or not", function()
    local outcome, output = await(state "IN_PROGRESS", state "COMPLETED")
    assert.equal("over", outcome)
    assert.same({ deployment = "d2", state = "COMPLETED" }, output)
    assert.equal("over", (await(state "IN_PROGRESS", state "FAILED")))
  end)

  it("gives up after a bounded time", function()
    assert.equal("still_rolling", (await(state "IN_PROGRESS")))
  end)

  it("says gone when the service disappears", function()
    assert.equal("gone", (await(state "IN_PROGRESS", { services = {} })))
  end)
end)

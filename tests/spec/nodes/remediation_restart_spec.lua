package.path = "scripts/?.lua;tests/spec/?.lua;" .. package.path
require "support.json"
local answers = require "support.ecs_answers"
local fake = require "support.fake_ctx"
local node = require "nodes.remediation_restart"

local input = { service = { cluster = "prod", service = "checkout",
                            name = "checkout", region = "eu-west-1" } }
local LOOK, SET = "aws:ecs:DescribeServices", "aws:ecs:UpdateService"

local function rolling(id)
  return answers.described { deployments = {
    answers.deployment(id, { rolloutState = "IN_PROGRESS" }),
    answers.deployment("d1", { status = "ACTIVE" }) } }
end

local function steady(id)
  return answers.described { deployments = { answers.deployment(id) } }
end

local updated = { service = rolling("d2").services[1] }

describe("remediation_restart", function()
  it("forces one deployment and waits until it is steady", function()
    local ctx = fake.ctx(node, {
      [LOOK] = { steady "d1", rolling "d2", steady "d2" },
      [SET] = { updated },
    })
    local outcome, output = node.run(ctx, input)
    assert.equal("restarted", outcome)
    assert.same({ deployment = "d2", steady = true }, output)
    assert.same({ { cluster = "prod", service = "checkout",
                    forceNewDeployment = true } }, fake.asked(ctx, SET))
    assert.same({ region = "eu-west-1" }, ctx.asked[1].where)
  end)

  it("refuses while a rollout is in progress", function()
    local ctx = fake.ctx(node, { [LOOK] = { rolling "d1" } })
    assert.equal("busy", (node.run(ctx, input)))
    assert.same({}, fake.asked(ctx, SET))
  end)

  it("touches nothing when the service is gone", function()
    local ctx = fake.ctx(node, { [LOOK] = { { services = {} } } })
    assert.equal("gone", (node.run(ctx, input)))
  end)

  it("does not take somebody else's steady deployment for its own", function()
    local ctx = fake.ctx(node, {
      [LOOK] = { steady "d1", steady "d3" }, [SET] = { updated },
    })
    assert.equal("stuck", (node.run(ctx, input)))
  end)
end)

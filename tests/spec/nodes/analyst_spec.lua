package.path = "scripts/?.lua;tests/spec/?.lua;" .. package.path
require "support.json"
local answers = require "support.ecs_answers"
local fake = require "support.fake_ctx"
local node = require "nodes.analyst"

local START = 1772330584000
local LOGS = "aws:logs:FilterLogEvents"
local input = { service = { name = "checkout", cluster = "prod" },
                incident = { started_ms = START, annotations = {
                  nightshift_health = "errors" } } }

local definition = { taskDefinition = { containerDefinitions = { {
  logConfiguration = { logDriver = "awslogs",
                       options = { ["awslogs-group"] = "/ecs/x" } } } } } }

local function vector(value)
  return { status = "success", data = { resultType = "vector", result = {
    { metric = {}, value = { 1, value } } } } }
end

-- A service in good health; a spec replaces what is otherwise.
local function look(changes)
  local world = {
    ["aws:ecs:DescribeServices"] = { answers.described() },
    ["aws:ecs:DescribeTaskDefinition"] = { definition },
    ["aws:ecs:ListTasks"] = { { taskArns = {} } },
    [LOGS] = { { events = {} } },
    ["prometheus:query"] = { vector "0.001" },
  }
  for name, answer in pairs(changes or {}) do world[name] = answer end
  local ctx = fake.ctx(node, world, START + 120000)
  local outcome, output = node.run(ctx, input)
  return outcome, output, ctx
end

describe("analyst", function()
  it("finds nothing in a service that is well", function()
    assert.equal("nothing", (look()))
  end)

  it("says gone for a service or a cluster that is not there", function()
    local outcome, output = look {
      ["aws:ecs:DescribeServices"] = { { services = {} } } }
    assert.equal("gone", outcome)
    assert.is_true(output.evidence.gone)
    assert.equal("gone", (look {
      ["aws:ecs:DescribeServices"] = { { code = "not_found", text = "x" } } }))
  end)

  it("stops when ECS itself does not answer", function()
    local ok, err = pcall(look, {
      ["aws:ecs:DescribeServices"] = { { code = "denied", text = "no" } } })
    assert.is_false(ok)
    assert.equal("denied", err.code)
  end)

  it("reads on through an empty page that carries a token", function()
    local outcome, output, ctx = look { [LOGS] = {
      { events = {}, nextToken = "more" },
      { events = { { timestamp = START, message = "order 7 lost" } } },
    } }
    assert.equal("found", outcome)
    assert.equal("order <n> lost", output.evidence.errors.patterns[1].pattern)
    assert.equal("more", fake.asked(ctx, LOGS)[2].nextToken)
  end)

  it("stops reading logs somewhere, and says so", function()
    local _, output, ctx = look { [LOGS] = { { events = {},
                                               nextToken = "more" } } }
    assert.equal(10, #fake.asked(ctx, LOGS))
    assert.truthy(output.evidence.missing[1]:find("10 pages", 1, true))
  end)

  it("goes on without a source that fails, and names it", function()
    local failing = { { code = "denied", text = "not allowed" } }
    local _, output = look { [LOGS] = failing, ["prometheus:query"] = failing,
                             ["aws:ecs:ListTasks"] = failing }
    assert.same({ "stopped tasks: not allowed", "logs: not allowed",
                  "health: not allowed", "saturation: no query is known" },
      output.evidence.missing)
    assert.is_nil(output.evidence.errors)
    assert.is_nil(output.evidence.health)
  end)

  it("tells errors that are new since a deploy from older ones", function()
    local deployed = START // 1000 - 300
    local _, output = look {
      ["aws:ecs:DescribeServices"] = { answers.described { deployments = {
        answers.deployment("d2", { createdAt = deployed }) } } },
      [LOGS] = { { events = {
        { timestamp = START - 400000, message = "provider down" },
        { timestamp = START - 200000, message = "undefined currency" },
      } } },
    }
    assert.equal("d2", output.evidence.fresh_deploy.id)
    assert.equal(1, output.evidence.new_errors)
  end)

  it("does not blame a deploy that is old or came after", function()
    for _, seconds in ipairs { -3700, 200 } do
      local _, output = look {
        ["aws:ecs:DescribeServices"] = { answers.described { deployments = {
          answers.deployment("d2", { createdAt = START // 1000 + seconds }),
        } } },
      }
      assert.is_nil(output.evidence.fresh_deploy)
    end
  end)
end)

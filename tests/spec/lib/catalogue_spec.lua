package.path = "scripts/?.lua;tests/spec/?.lua;" .. package.path
require "support.json"
local answers = require "support.ecs_answers"
local catalogue = require "lib.catalogue"

local incident = { annotations = { nightshift_health = "sum(errors)",
                                   nightshift_repo = "from/annotation" } }
local definition = { containerDefinitions = { { logConfiguration = {
  logDriver = "awslogs",
  options = { ["awslogs-group"] = "/ecs/x", ["awslogs-region"] = "eu-west-1" },
} } } }

local function tagged(...)
  return answers.service { tags = { ... } }
end

describe("catalogue", function()
  it("prefers configuration, then annotations, then tags", function()
    local service = tagged({ key = "nightshift:repo", value = "from/tag" },
      { key = "nightshift:branch", value = "main" },
      { key = "nightshift:health", value = "errors" })
    local facts = catalogue.facts(
      { name = "s", cluster = "c", repo = "from/row" }, incident, service)
    assert.equal("from/row", facts.repo)
    assert.equal("sum(errors)", facts.health)
    assert.equal("main", facts.branch)
  end)

  it("takes the log group from the task definition", function()
    local facts = catalogue.facts({ name = "s", cluster = "c" }, incident,
      tagged(), definition)
    assert.equal("/ecs/x", facts.log_group)
    assert.equal("eu-west-1", facts.log_region)
  end)

  it("leaves absent what nobody says, and never guesses it", function()
    local facts = catalogue.facts({ name = "s", cluster = "c" }, {}, tagged())
    assert.same({ name = "s", service = "s", cluster = "c",
                  health_threshold = 0.05, saturation_threshold = 0.8,
                  settle = 60 }, facts)
  end)

  it("labels a rule that a tag names, and reads numbers", function()
    local facts = catalogue.facts({ name = "s", cluster = "c" }, {}, tagged(
      { key = "nightshift:saturation", value = "cpu:ratio" },
      { key = "nightshift:max", value = "8" }))
    assert.equal('cpu:ratio{cluster="c",service="s"}', facts.saturation)
    assert.equal(8, facts.max)
  end)
end)

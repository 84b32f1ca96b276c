package.path = "scripts/?.lua;tests/spec/?.lua;" .. package.path
require "support.json"
local answers = require "support.ecs_answers"
local fake = require "support.fake_ctx"
local node = require "nodes.remediation_scale_up"

local LOOK, SET = "aws:ecs:DescribeServices", "aws:ecs:UpdateService"

local function input(max, by)
  return { service = { cluster = "prod", service = "checkout", max = max },
           by = by }
end

local function count(desired, running)
  return answers.described { desiredCount = desired,
                             runningCount = running or desired }
end

local function counts_set(ctx)
  local list = {}
  for i, args in ipairs(fake.asked(ctx, SET)) do
    list[i] = args.desiredCount
  end
  return list
end

describe("remediation_scale_up", function()
  it("raises the count by the step and waits for the tasks", function()
    local ctx = fake.ctx(node, { [LOOK] = { count(4), count(6, 4), count(6) },
                                 [SET] = { {} } })
    local outcome, output = node.run(ctx, input(8, 2))
    assert.equal("scaled", outcome)
    assert.same({ from = 4, to = 6, running = true }, output)
    assert.same({ 6 }, counts_set(ctx))
  end)

  it("never goes above the maximum", function()
    local ctx = fake.ctx(node, { [LOOK] = { count(4), count(5) },
                                 [SET] = { {} } })
    node.run(ctx, input(5, 3))
    assert.same({ 5 }, counts_set(ctx))
  end)

  it("writes nothing at the limit, or when no maximum is known", function()
    for _, max in ipairs { 4, 3, false } do
      local ctx = fake.ctx(node, { [LOOK] = { count(4) } })
      assert.equal("at_limit", (node.run(ctx, input(max or nil, 2))))
      assert.same({}, counts_set(ctx))
    end
  end)

  it("says short when the tasks do not come", function()
    local ctx = fake.ctx(node, { [LOOK] = { count(4), count(6, 4) },
                                 [SET] = { {} } })
    assert.equal("short", (node.run(ctx, input(8, 2))))
  end)

  describe("undo", function()
    local done = { output = { from = 4, to = 6 }, writes = {} }
    local died = { writes = { { request = { desiredCount = 6 },
                                result = "unknown", before = count(4) } } }

    it("puts the earlier count back", function()
      for _, state in ipairs { done, died } do
        local ctx = fake.ctx(node, { [LOOK] = { count(6) }, [SET] = { {} } })
        assert.equal("undone", node.undo(ctx, input(8), state))
        assert.same({ 4 }, counts_set(ctx))
      end
    end)

    it("leaves a count alone that somebody changed since", function()
      local ctx = fake.ctx(node, { [LOOK] = { count(7) } })
      assert.equal("failed", node.undo(ctx, input(8), done))
    end)

    it("has nothing to do when the count is back already", function()
      local ctx = fake.ctx(node, { [LOOK] = { count(4) } })
      assert.equal("undone", node.undo(ctx, input(8), done))
    end)

    it("fails when it cannot know what the count was", function()
      local ctx = fake.ctx(node, { [LOOK] = { count(6) } })
      assert.equal("failed", node.undo(ctx, input(8), { writes = {} }))
    end)
  end)
end)

package.path = "scripts/?.lua;tests/spec/?.lua;" .. package.path
require "support.json"
local delivery = require "support.delivery"
local read, refused = delivery.read, delivery.refused

local function run(fields)
  return read("github_workflow_failed", function(body)
    for name, value in pairs(fields) do body.workflow_run[name] = value end
  end)
end

describe("github", function()
  it("lets a success end what its workflow and branch began before", function()
    local failed, better = read "github_workflow_failed",
      read "github_workflow_succeeded"
    assert.equal(failed.key, better.key)
    assert.equal("2026-03-01T02:03:04Z", failed.started_at)
    assert.is_nil(failed.ended_at)
    assert.is_nil(better.started_at)
    assert.equal("2026-03-01T02:20:00Z", better.ended_at)
  end)

  it("dates a run by its beginning and not by its end", function()
    local late = run { updated_at = "2026-03-09T00:00:00Z" }
    assert.equal("2026-03-01T02:03:04Z", late.started_at)
  end)

  it("keeps branches, workflows, forks and repositories apart", function()
    local key = run({}).key
    assert.not_equal(key, run({ head_branch = "next" }).key)
    assert.not_equal(key, run({ workflow_id = 7 }).key)
    assert.not_equal(key, read("github_workflow_of_a_fork").key)
    assert.not_equal(key, read("github_workflow_failed", function(body)
      body.repository.full_name = "acme/till"
    end).key)
    assert.equal(key, run({ id = 7, run_number = 8, run_attempt = 9 }).key)
  end)

  it("never takes a fork's branch for the default one", function()
    assert.equal("true", run({}).labels.default_branch)
    assert.equal("false", run({ head_branch = "next" }).labels.default_branch)
    for _, name in ipairs { "github_workflow_of_a_fork",
                            "github_workflow_of_a_deleted_fork" } do
      assert.equal("false", read(name).labels.default_branch)
    end
  end)

  it("fires for what failed and for nothing that only did not run", function()
    for _, bad in ipairs { "failure", "timed_out", "startup_failure" } do
      assert.equal("firing", run({ conclusion = bad }).status)
    end
    for _, else_ in ipairs { "cancelled", "skipped", "neutral", "stale",
                             "action_required", "something new" } do
      assert.is_nil((run { conclusion = else_ }))
    end
  end)

  it("says why a delivery gives nothing", function()
    local _, notes = read "github_ping"
    assert.equal('"ping"', notes.ignored)
    _, notes = read "github_workflow_cancelled"
    assert.equal('"workflow_run": "cancelled"', notes.ignored)
  end)

  it("knows a deployment by its environment, whichever it is", function()
    local key = read("github_deployment_failed").key
    assert.equal(key, read("github_deployment_succeeded").key)
    assert.not_equal(key, read("github_deployment_failed", function(body)
      body.deployment.environment = "staging"
    end).key)
    assert.equal(key, read("github_deployment_failed", function(body)
      body.deployment.id = 7
    end).key)
  end)

  it("hands on an error of a deployment like a failure", function()
    local one = read("github_deployment_failed", function(body)
      body.deployment_status.state = "error"
    end)
    assert.equal("firing", one.status)
  end)

  it("refuses a failure whose moment or workflow it cannot tell", function()
    for field, text in pairs {
      run_started_at = "a text is expected",
      workflow_id = "a whole number is expected",
    } do
      local code, said = refused("github_workflow_failed", function(body)
        body.workflow_run[field] = nil
      end)
      assert.equal("event_shape", code)
      assert.equal("workflow_run." .. field .. ": " .. text, said)
    end
  end)
end)

-- Choose what to do from the evidence, or say that it does not suffice.
--
-- The rules live in lib/hypotheses.lua and weigh every action, so that the
-- hand-over can show what spoke against the ones not taken. This node only
-- picks the most likely and hands over its arguments, all of them facts: a
-- commit from the auditor, a step and a maximum from the catalogue. How sure
-- one has to be for which risk is not decided here but by the policy.
--
-- It touches nothing and asks nobody.

local hypotheses = require "lib.hypotheses"

return {
  about    = "Weigh the evidence and choose an action, or none.",
  input    = {
    service = "map", evidence = "map", commits = "list",
    waits = "list?", restarts = "list?", scale_ups = "list?",
    reverts = "list?", verdicts = "list?",
  },
  output   = {
    confidence = "number", reasons = "list", hypotheses = "list",
    commit = "string?", by = "integer?",
  },
  outcomes = { "restart", "scale_up", "revert", "wait", "settled", "unsure" },
  effects  = {},
  risk     = "low",
  timeout  = "10s",

  run = function(ctx, input)
    local list = hypotheses.weigh(input)
    local best = hypotheses.best(list)
    if not best then
      return "unsure", {
        confidence = 0.0, hypotheses = list,
        reasons = hypotheses.doubts(list, input.verdicts),
      }
    end
    ctx.log.info("decided", { action = best.action,
                              confidence = best.confidence })
    return best.action, {
      confidence = best.confidence, reasons = best.supports, hypotheses = list,
      commit = best.commit, by = best.by,
    }
  end,
}

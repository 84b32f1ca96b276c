-- Act only when sure enough for the risk, and only so often.
--
-- An outcome that leads to no write passes: looking and waiting are safe. A
-- write needs a confidence that grows with the risk of the node it leads to,
-- and the run must not have used up its attempts. The bar is here and not in
-- the decision, so that an operator can raise it in one line.
--
-- It only makes an outcome more cautious; it never chooses another action.

local NEED = { low = 0.5, medium = 0.6, high = 0.8 }

return {
  about = "Turn a doubtful decision into unsure.",
  adds  = { "unsure" },

  decide = function(outcome, output, facts)
    if not facts.risk then return outcome, "it writes nothing" end
    if facts.limit and facts.attempts >= facts.limit then
      return "unsure", ("all %d attempts are used"):format(facts.limit)
    end
    local need = NEED[facts.risk] or 1
    local confidence = output.confidence or 0
    if confidence < need then
      return "unsure", ("confidence %.2f, risk %s needs %.2f"):format(
        confidence, facts.risk, need)
    end
    return outcome, ("confidence %.2f, risk %s"):format(confidence,
      facts.risk)
  end,
}

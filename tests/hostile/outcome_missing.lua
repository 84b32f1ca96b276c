-- verdict: error contract: outcome
-- Ends without a word.

return {
  about = "Hostile: outcome missing.",
  input = {},
  output = {},
  outcomes = { "done" },
  effects = {},
  risk = "low",

  run = function(ctx)
    return
  end,
}

-- verdict: error contract: outcome
-- Ends with a number.

return {
  about = "Hostile: outcome not text.",
  input = {},
  output = {},
  outcomes = { "done" },
  effects = {},
  risk = "low",

  run = function(ctx)
    return 42
  end,
}

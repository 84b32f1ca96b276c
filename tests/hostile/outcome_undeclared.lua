-- verdict: error contract: surprise
-- Ends with a word that it did not declare.

return {
  about = "Hostile: outcome undeclared.",
  input = {},
  output = {},
  outcomes = { "done" },
  effects = {},
  risk = "low",

  run = function(ctx)
    return "surprise"
  end,
}

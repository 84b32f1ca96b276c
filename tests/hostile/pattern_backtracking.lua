-- verdict: error script: pattern too complex
-- Nested lazy repetitions over a long text.

return {
  about = "Hostile: pattern backtracking.",
  input = {},
  output = {},
  outcomes = { "done" },
  effects = {},
  risk = "low",

  run = function(ctx)
    return ("a"):rep(30000):find(".-.-.-b") and "done"
  end,
}

-- verdict: error script: malformed pattern
-- A pattern that ends in the middle of an escape.

return {
  about = "Hostile: pattern malformed.",
  input = {},
  output = {},
  outcomes = { "done" },
  effects = {},
  risk = "low",

  run = function(ctx)
    return ("a"):rep(10):find("a%") and "done"
  end,
}

-- verdict: error script: pattern too complex
-- A pattern that needs a C frame for each of its items.

return {
  about = "Hostile: pattern deep.",
  input = {},
  output = {},
  outcomes = { "done" },
  effects = {},
  risk = "low",

  run = function(ctx)
    return ("a"):rep(100000):find(("a-"):rep(50000) .. "b") and "done"
  end,
}

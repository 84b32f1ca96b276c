-- verdict: error script: no value
-- Asks for more values than there are.

return {
  about = "Hostile: format arguments.",
  input = {},
  output = {},
  outcomes = { "done" },
  effects = {},
  risk = "low",

  run = function(ctx)
    return ("%d"):rep(100000):format(1)
  end,
}

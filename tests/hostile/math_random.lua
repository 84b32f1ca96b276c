-- verdict: error script: ctx.random
-- Chance that the journal does not know.

return {
  about = "Hostile: math random.",
  input = {},
  output = {},
  outcomes = { "done" },
  effects = {},
  risk = "low",

  run = function(ctx)
    return math.random() > 0.5 and "done"
  end,
}

-- verdict: error contract: not finite
-- Sleeps for a time that is no number.

return {
  about = "Hostile: ask bad number.",
  input = {},
  output = {},
  outcomes = { "done" },
  effects = {},
  risk = "low",

  run = function(ctx)
    return ctx.sleep(0 / 0)
  end,
}

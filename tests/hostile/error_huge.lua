-- verdict: error script: xxx
-- Raises sixteen megabytes.

return {
  about = "Hostile: error huge.",
  input = {},
  output = {},
  outcomes = { "done" },
  effects = {},
  risk = "low",

  run = function(ctx)
    error(("x"):rep(8 << 20), 0)
  end,
}

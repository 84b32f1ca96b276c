-- verdict: error script: resulting string too large
-- The length wraps around by the separator.

return {
  about = "Hostile: rep separator.",
  input = {},
  output = {},
  outcomes = { "done" },
  effects = {},
  risk = "low",

  run = function(ctx)
    return ("x"):rep(1 << 32, ("y"):rep(1 << 20))
  end,
}

-- verdict: error script: resulting string too large
-- A length that wraps around to a small one.

return {
  about = "Hostile: rep overflow.",
  input = {},
  output = {},
  outcomes = { "done" },
  effects = {},
  risk = "low",

  run = function(ctx)
    return ("xxxx"):rep(1 << 62)
  end,
}

-- verdict: error script: resulting string too large
-- A terabyte of text in one call.

return {
  about = "Hostile: rep huge.",
  input = {},
  output = {},
  outcomes = { "done" },
  effects = {},
  risk = "low",

  run = function(ctx)
    return ("x"):rep(1 << 40)
  end,
}

-- verdict: error script: string slice too long
-- More values than the stack has room for.

return {
  about = "Hostile: byte too many.",
  input = {},
  output = {},
  outcomes = { "done" },
  effects = {},
  risk = "low",

  run = function(ctx)
    return ("x"):rep(4 << 20):byte(1, -1)
  end,
}

-- verdict: error script: resulting string too large
-- A short replacement text that repeats a long capture.

return {
  about = "Hostile: gsub replacement.",
  input = {},
  output = {},
  outcomes = { "done" },
  effects = {},
  risk = "low",

  run = function(ctx)
    local s = ("x"):rep(1 << 20)
    return (s:gsub("(.+)", ("%1"):rep(100)))
  end,
}

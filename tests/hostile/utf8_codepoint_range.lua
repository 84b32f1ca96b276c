-- verdict: error script: string slice too long
-- More code points than the stack has room for.

return {
  about = "Hostile: utf8 codepoint range.",
  input = {},
  output = {},
  outcomes = { "done" },
  effects = {},
  risk = "low",

  run = function(ctx)
    return utf8.codepoint(("x"):rep(4 << 20), 1, -1)
  end,
}

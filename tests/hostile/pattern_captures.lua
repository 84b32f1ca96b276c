-- verdict: error script: too many captures
-- More captures than there is room for.

return {
  about = "Hostile: pattern captures.",
  input = {},
  output = {},
  outcomes = { "done" },
  effects = {},
  risk = "low",

  run = function(ctx)
    return ("a"):rep(100):find(("()"):rep(100)) and "done"
  end,
}

-- verdict: error script: pattern too complex
-- Thirty optional characters: 2^30 ways to fail.

return {
  about = "Hostile: pattern exponential.",
  input = {},
  output = {},
  outcomes = { "done" },
  effects = {},
  risk = "low",

  run = function(ctx)
    local p = ("a?"):rep(30) .. ("a"):rep(30) .. "b"
    return ("a"):rep(30):match(p) or "done"
  end,
}

-- verdict: error script: pattern too complex
-- A %b that scans to the end from every place.

return {
  about = "Hostile: pattern balanced.",
  input = {},
  output = {},
  outcomes = { "done" },
  effects = {},
  risk = "low",

  run = function(ctx)
    return ("("):rep(60000):find("%b()") and "done"
  end,
}

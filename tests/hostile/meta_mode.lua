-- verdict: error script: '__mode'
-- A weak table would show when the collector runs.

return {
  about = "Hostile: meta mode.",
  input = {},
  output = {},
  outcomes = { "done" },
  effects = {},
  risk = "low",

  run = function(ctx)
    setmetatable({}, { __mode = "k" })
    return "done"
  end,
}

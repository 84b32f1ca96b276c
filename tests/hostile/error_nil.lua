-- verdict: error script: nil
-- Raises nothing.

return {
  about = "Hostile: error nil.",
  input = {},
  output = {},
  outcomes = { "done" },
  effects = {},
  risk = "low",

  run = function(ctx)
    error(nil)
  end,
}

-- verdict: error script: string expected
-- Asks require for a table.

return {
  about = "Hostile: require not text.",
  input = {},
  output = {},
  outcomes = { "done" },
  effects = {},
  risk = "low",

  run = function(ctx)
    return require({})
  end,
}

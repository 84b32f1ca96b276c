-- verdict: error script: too many results to unpack
-- A billion results of an empty table.

return {
  about = "Hostile: unpack huge.",
  input = {},
  output = {},
  outcomes = { "done" },
  effects = {},
  risk = "low",

  run = function(ctx)
    return table.unpack({}, 1, 1 << 30)
  end,
}

-- verdict: error script: destination wrap around
-- A destination behind the largest integer.

return {
  about = "Hostile: move wrap.",
  input = {},
  output = {},
  outcomes = { "done" },
  effects = {},
  risk = "low",

  run = function(ctx)
    return table.move({}, 1, 3, math.maxinteger - 1)
  end,
}

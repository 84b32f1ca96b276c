-- verdict: error script: too many elements to move
-- A range whose length does not fit an integer.

return {
  about = "Hostile: move overflow.",
  input = {},
  output = {},
  outcomes = { "done" },
  effects = {},
  risk = "low",

  run = function(ctx)
    return table.move({}, math.mininteger, -1, 2)
  end,
}

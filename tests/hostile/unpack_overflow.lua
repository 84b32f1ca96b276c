-- verdict: error script: too many results to unpack
-- A range whose length overflows to something small.

return {
  about = "Hostile: unpack overflow.",
  input = {},
  output = {},
  outcomes = { "done" },
  effects = {},
  risk = "low",

  run = function(ctx)
    return table.unpack({}, math.mininteger, math.maxinteger)
  end,
}

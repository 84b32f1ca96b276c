-- verdict: error script: out of bounds
-- A range of code points at the ends of the integers.

return {
  about = "Hostile: utf8 ranges.",
  input = {},
  output = {},
  outcomes = { "done" },
  effects = {},
  risk = "low",

  run = function(ctx)
    return utf8.codepoint("x", math.mininteger, math.maxinteger)
  end,
}

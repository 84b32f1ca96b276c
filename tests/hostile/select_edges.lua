-- verdict: error script: out of range
-- Positions far outside of the arguments.

return {
  about = "Hostile: select edges.",
  input = {},
  output = {},
  outcomes = { "done" },
  effects = {},
  risk = "low",

  run = function(ctx)
    assert(select("#") == 0)
    assert(select("#", nil, nil) == 2)
    assert(select("#", select(math.maxinteger, 1, 2)) == 0)
    return select(math.mininteger, 1)
  end,
}

-- verdict: ok done
-- The largest integers as positions are no trap.

return {
  about = "Hostile: unpack edge.",
  input = {},
  output = {},
  outcomes = { "done" },
  effects = {},
  risk = "low",

  run = function(ctx)
    local n = select("#", table.unpack({}, math.maxinteger - 1, math.maxinteger))
    assert(n == 2)
    return "done"
  end,
}

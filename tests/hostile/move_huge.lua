-- verdict: killed instructions
-- Moves 2^40 elements of an empty table in one call.

return {
  about = "Hostile: move huge.",
  input = {},
  output = {},
  outcomes = { "done" },
  effects = {},
  risk = "low",

  run = function(ctx)
    while true do
      pcall(table.move, {}, 1, 1 << 40, 2)
    end
  end,
}

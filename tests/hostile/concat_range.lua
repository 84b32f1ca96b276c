-- verdict: killed instructions
-- Joins a range of 2^60 positions.

return {
  about = "Hostile: concat range.",
  input = {},
  output = {},
  outcomes = { "done" },
  effects = {},
  risk = "low",

  run = function(ctx)
    while true do
      pcall(table.concat, {}, "", 1, 1 << 60)
    end
  end,
}

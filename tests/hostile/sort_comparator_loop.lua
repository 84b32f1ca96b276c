-- verdict: killed instructions
-- A comparator that never returns, under pcall.

return {
  about = "Hostile: sort comparator loop.",
  input = {},
  output = {},
  outcomes = { "done" },
  effects = {},
  risk = "low",

  run = function(ctx)
    while true do
      pcall(table.sort, { 2, 1 }, function()
        while true do end
      end)
    end
  end,
}

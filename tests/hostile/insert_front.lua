-- verdict: killed instructions
-- Inserts at the front of a long list for ever.

return {
  about = "Hostile: insert front.",
  input = {},
  output = {},
  outcomes = { "done" },
  effects = {},
  risk = "low",

  run = function(ctx)
    local t = {}
    for i = 1, 50000 do
      t[i] = i
    end
    while true do
      table.insert(t, 1, 0)
      table.remove(t, 1)
    end
  end,
}

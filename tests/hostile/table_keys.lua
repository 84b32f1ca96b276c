-- verdict: killed memory
-- A table with keys without end.

return {
  about = "Hostile: table keys.",
  input = {},
  output = {},
  outcomes = { "done" },
  effects = {},
  risk = "low",

  run = function(ctx)
    local t = {}
    for i = 1, math.maxinteger do
      t["key" .. i] = i
    end
    return "done"
  end,
}

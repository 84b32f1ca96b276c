-- verdict: killed memory
-- pairs over a million keys, whose order has to be found.

return {
  about = "Hostile: pairs million.",
  input = {},
  output = {},
  outcomes = { "done" },
  effects = {},
  risk = "low",

  run = function(ctx)
    local t = {}
    for i = 1, 300000 do
      t["k" .. i] = true
    end
    for _ in pairs(t) do end
    return "done"
  end,
}

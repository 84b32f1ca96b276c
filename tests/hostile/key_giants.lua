-- verdict: killed memory
-- Texts of a megabyte as keys.

return {
  about = "Hostile: key giants.",
  input = {},
  output = {},
  outcomes = { "done" },
  effects = {},
  risk = "low",

  run = function(ctx)
    local t = {}
    for i = 1, math.maxinteger do
      t[("x"):rep(1 << 20) .. i] = i
    end
    return "done"
  end,
}

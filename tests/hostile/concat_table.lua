-- verdict: error script: resulting string too large
-- Joins one megabyte a hundred times.

return {
  about = "Hostile: concat table.",
  input = {},
  output = {},
  outcomes = { "done" },
  effects = {},
  risk = "low",

  run = function(ctx)
    local s, t = ("x"):rep(1 << 20), {}
    for i = 1, 100 do
      t[i] = s
    end
    return table.concat(t)
  end,
}

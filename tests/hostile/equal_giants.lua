-- verdict: killed cpu
-- Compares two equal long texts for ever.

return {
  about = "Hostile: equal giants.",
  input = {},
  output = {},
  outcomes = { "done" },
  effects = {},
  risk = "low",

  run = function(ctx)
    local s = ("x"):rep(8 << 20)
    local a, b = s .. "y", s .. "y"
    while a == b do end
    return "done"
  end,
}

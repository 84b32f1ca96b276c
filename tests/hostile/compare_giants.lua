-- verdict: killed cpu
-- Compares two texts of six megabytes of NUL bytes, which is slow in C.

return {
  about = "Hostile: compare giants.",
  input = {},
  output = {},
  outcomes = { "done" },
  effects = {},
  risk = "low",

  run = function(ctx)
    local a, b = ("\0"):rep(6 << 20), ("\0"):rep(6 << 20) .. "x"
    while a <= b do end
    return "done"
  end,
}

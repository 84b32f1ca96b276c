-- verdict: killed instructions
-- Reads a number of eight million digits, for ever.

return {
  about = "Hostile: tonumber giants.",
  input = {},
  output = {},
  outcomes = { "done" },
  effects = {},
  risk = "low",

  run = function(ctx)
    local s = ("1"):rep(8 << 20)
    while true do
      tonumber(s, 10)
    end
  end,
}

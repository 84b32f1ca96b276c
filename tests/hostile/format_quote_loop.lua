-- verdict: killed instructions
-- Quotes eight megabytes again and again.

return {
  about = "Hostile: format quote loop.",
  input = {},
  output = {},
  outcomes = { "done" },
  effects = {},
  risk = "low",

  run = function(ctx)
    local s = ("\0"):rep(4 << 20)
    while true do
      pcall(string.format, "%q", s)
    end
  end,
}

-- verdict: killed instructions
-- Fills eight megabytes again and again.

return {
  about = "Hostile: rep loop.",
  input = {},
  output = {},
  outcomes = { "done" },
  effects = {},
  risk = "low",

  run = function(ctx)
    while true do
      local _ = ("x"):rep(8 << 20)
    end
  end,
}

-- verdict: killed memory
-- Doubles a text with `..` until it does not fit.

return {
  about = "Hostile: concat doubling.",
  input = {},
  output = {},
  outcomes = { "done" },
  effects = {},
  risk = "low",

  run = function(ctx)
    local s = "x"
    while true do
      s = s .. s
    end
  end,
}

-- verdict: killed instructions
-- Catches the refusal of a costly pattern and tries again, for ever.

return {
  about = "Hostile: pattern pcall loop.",
  input = {},
  output = {},
  outcomes = { "done" },
  effects = {},
  risk = "low",

  run = function(ctx)
    local s = ("a"):rep(30000)
    while true do
      pcall(s.find, s, ".-.-.-b")
    end
  end,
}

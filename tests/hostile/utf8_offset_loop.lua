-- verdict: killed instructions
-- Walks through eight megabytes again and again.

return {
  about = "Hostile: utf8 offset loop.",
  input = {},
  output = {},
  outcomes = { "done" },
  effects = {},
  risk = "low",

  run = function(ctx)
    local s = ("x"):rep(8 << 20)
    while true do
      utf8.offset(s, 8 << 20)
    end
  end,
}

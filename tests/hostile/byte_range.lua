-- verdict: killed instructions
-- All bytes of a large text as values, for ever.

return {
  about = "Hostile: byte range.",
  input = {},
  output = {},
  outcomes = { "done" },
  effects = {},
  risk = "low",

  run = function(ctx)
    local s = ("x"):rep(100000)
    while true do
      select("#", s:byte(1, -1))
    end
  end,
}

-- verdict: killed instructions
-- A plain search that nearly matches at every place.

return {
  about = "Hostile: find plain quadratic.",
  input = {},
  output = {},
  outcomes = { "done" },
  effects = {},
  risk = "low",

  run = function(ctx)
    local s = ("a"):rep(1 << 22)
    local needle = ("a"):rep(1 << 16) .. "b"
    while true do
      s:find(needle, 1, true)
    end
  end,
}

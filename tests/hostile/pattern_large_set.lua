-- verdict: killed instructions
-- A set of a megabyte, tried at every place of a megabyte.

return {
  about = "Hostile: pattern large set.",
  input = {},
  output = {},
  outcomes = { "done" },
  effects = {},
  risk = "low",

  run = function(ctx)
    local set = "[" .. ("b"):rep(1 << 20) .. "]"
    local s = ("a"):rep(1 << 20)
    while true do
      pcall(s.find, s, set)
    end
  end,
}

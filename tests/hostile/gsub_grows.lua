-- verdict: killed memory
-- Doubles a text by gsub until it does not fit, and keeps them all.

return {
  about = "Hostile: gsub grows.",
  input = {},
  output = {},
  outcomes = { "done" },
  effects = {},
  risk = "low",

  run = function(ctx)
    local s, all = ("x"):rep(1 << 20), {}
    while true do
      all[#all + 1] = s:gsub("x$", "xy" .. #all)
    end
  end,
}

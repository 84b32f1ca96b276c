-- verdict: killed instructions
-- Never ends.

return {
  about = "Hostile: loop empty.",
  input = {},
  output = {},
  outcomes = { "done" },
  effects = {},
  risk = "low",

  run = function(ctx)
    while true do end
  end,
}

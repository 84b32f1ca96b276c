-- verdict: killed memory
-- Tables in tables without end.

return {
  about = "Hostile: table nested.",
  input = {},
  output = {},
  outcomes = { "done" },
  effects = {},
  risk = "low",

  run = function(ctx)
    local t = {}
    while true do
      t = { t }
    end
  end,
}

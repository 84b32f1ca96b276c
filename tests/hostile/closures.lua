-- verdict: killed memory
-- Functions that hold each other without end.

return {
  about = "Hostile: closures.",
  input = {},
  output = {},
  outcomes = { "done" },
  effects = {},
  risk = "low",

  run = function(ctx)
    local f
    while true do
      local held = f
      f = function()
        return held
      end
    end
  end,
}

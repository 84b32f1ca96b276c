-- verdict: killed instructions
-- Catches the error that stops it, and goes on.

return {
  about = "Hostile: loop pcall.",
  input = {},
  output = {},
  outcomes = { "done" },
  effects = {},
  risk = "low",

  run = function(ctx)
    while true do
      pcall(function()
        while true do end
      end)
    end
  end,
}

-- verdict: killed instructions
-- A replacement function that never returns.

return {
  about = "Hostile: gsub callback loop.",
  input = {},
  output = {},
  outcomes = { "done" },
  effects = {},
  risk = "low",

  run = function(ctx)
    return (("x"):gsub("x", function()
      while true do
        pcall(function()
          while true do end
        end)
      end
    end))
  end,
}

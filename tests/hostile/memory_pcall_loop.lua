-- verdict: killed memory
-- Catches the error of full memory and fills it again.

return {
  about = "Hostile: memory pcall loop.",
  input = {},
  output = {},
  outcomes = { "done" },
  effects = {},
  risk = "low",

  run = function(ctx)
    while true do
      pcall(function()
        local t = {}
        for i = 1, math.maxinteger do
          t[i] = { i }
        end
      end)
    end
  end,
}

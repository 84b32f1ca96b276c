-- verdict: killed memory
-- Catches the error of full memory and returns as if nothing had been.

return {
  about = "Hostile: memory then work.",
  input = {},
  output = {},
  outcomes = { "done" },
  effects = {},
  risk = "low",

  run = function(ctx)
    pcall(function()
      local t = {}
      for i = 1, math.maxinteger do
        t[i] = ("x"):rep(1000) .. i
      end
    end)
    return "done"
  end,
}

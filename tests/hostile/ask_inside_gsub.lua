-- verdict: error denied: 
-- Asks from inside a replacement function.

return {
  about = "Hostile: ask inside gsub.",
  input = {},
  output = {},
  outcomes = { "done" },
  effects = {},
  risk = "low",

  run = function(ctx)
    return (("x"):gsub("x", function()
      return ctx.aws("ecs:DeleteCluster", {})
    end))
  end,
}

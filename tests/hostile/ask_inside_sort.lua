-- verdict: error denied: 
-- Asks from inside a comparator: it must reach the door like any other question.

return {
  about = "Hostile: ask inside sort.",
  input = {},
  output = {},
  outcomes = { "done" },
  effects = {},
  risk = "low",

  run = function(ctx)
    table.sort({ 2, 1 }, function()
      return ctx.aws("ecs:DeleteCluster", {})
    end)
    return "done"
  end,
}

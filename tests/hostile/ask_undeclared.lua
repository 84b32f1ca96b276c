-- verdict: error denied: 
-- Asks for an effect that it did not declare.

return {
  about = "Hostile: ask undeclared.",
  input = {},
  output = {},
  outcomes = { "done" },
  effects = {},
  risk = "low",

  run = function(ctx)
    return ctx.aws("ecs:DeleteCluster", { cluster = "prod" })
  end,
}

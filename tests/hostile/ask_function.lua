-- verdict: error contract: function
-- Asks with a function among the arguments.

return {
  about = "Hostile: ask function.",
  input = {},
  output = {},
  outcomes = { "done" },
  effects = {},
  risk = "low",

  run = function(ctx)
    return ctx.aws("ecs:DescribeServices", { services = type })
  end,
}

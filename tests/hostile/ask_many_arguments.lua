-- verdict: error invalid: values
-- Asks with more arguments than a question has.

return {
  about = "Hostile: ask many arguments.",
  input = {},
  output = {},
  outcomes = { "done" },
  effects = {},
  risk = "low",

  run = function(ctx)
    return ctx.aws("ecs:DescribeServices", table.unpack({}, 1, 50))
  end,
}

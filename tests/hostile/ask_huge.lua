-- verdict: error limit: larger
-- Asks with eight megabytes.

return {
  about = "Hostile: ask huge.",
  input = {},
  output = {},
  outcomes = { "done" },
  effects = {},
  risk = "low",

  run = function(ctx)
    return ctx.aws("ecs:DescribeServices", { text = ("x"):rep(8 << 20) })
  end,
}

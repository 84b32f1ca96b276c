-- verdict: error limit: nested
-- Asks with a table that contains itself.

return {
  about = "Hostile: ask cycle.",
  input = {},
  output = {},
  outcomes = { "done" },
  effects = {},
  risk = "low",

  run = function(ctx)
    local t = {}
    t.t = t
    return ctx.aws("ecs:DescribeServices", t)
  end,
}

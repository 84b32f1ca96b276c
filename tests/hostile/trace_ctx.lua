-- verdict: ok done
-- Replaces the door in its own ctx; nobody else may see it.

return {
  about = "Hostile: trace ctx.",
  input = {},
  output = {},
  outcomes = { "done" },
  effects = {},
  risk = "low",

  run = function(ctx)
    assert(not ctx.tampered)
    ctx.tampered = true
    ctx.aws = function()
      return { services = {} }
    end
    ctx.try.aws = ctx.aws
    assert(ctx.aws("ecs:DeleteCluster", {}).services)
    return "done"
  end,
}

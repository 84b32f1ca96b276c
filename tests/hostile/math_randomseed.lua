-- verdict: error script: ctx.random
-- Sets a seed of its own.

return {
  about = "Hostile: math randomseed.",
  input = {},
  output = {},
  outcomes = { "done" },
  effects = {},
  risk = "low",

  run = function(ctx)
    math.randomseed(42)
    return "done"
  end,
}

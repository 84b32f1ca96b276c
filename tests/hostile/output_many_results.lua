-- verdict: error invalid: values
-- Returns more values than there are places.

return {
  about = "Hostile: output many results.",
  input = {},
  output = {},
  outcomes = { "done" },
  effects = {},
  risk = "low",

  run = function(ctx)
    return "done", {}, 1, 2, 3, 4, 5, 6
  end,
}

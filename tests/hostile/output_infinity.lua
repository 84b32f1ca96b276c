-- verdict: error contract: not finite
-- A number without an end.

return {
  about = "Hostile: output infinity.",
  input = {},
  output = { value = "number" },
  outcomes = { "done" },
  effects = {},
  risk = "low",

  run = function(ctx)
    return "done", { value = -1 / 0 }
  end,
}

-- verdict: error contract: not finite
-- A number that JSON does not have.

return {
  about = "Hostile: output nan.",
  input = {},
  output = { value = "number" },
  outcomes = { "done" },
  effects = {},
  risk = "low",

  run = function(ctx)
    return "done", { value = 0 / 0 }
  end,
}

-- verdict: error contract: key
-- A key that JSON does not have.

return {
  about = "Hostile: output key not text.",
  input = {},
  output = { value = "any" },
  outcomes = { "done" },
  effects = {},
  risk = "low",

  run = function(ctx)
    return "done", { [true] = 1 }
  end,
}

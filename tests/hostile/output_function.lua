-- verdict: error contract: function
-- A function as output.

return {
  about = "Hostile: output function.",
  input = {},
  output = { value = "any" },
  outcomes = { "done" },
  effects = {},
  risk = "low",

  run = function(ctx)
    return "done", { value = function() end }
  end,
}

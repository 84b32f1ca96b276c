-- verdict: error script: function
-- Raises a function.

return {
  about = "Hostile: error function.",
  input = {},
  output = {},
  outcomes = { "done" },
  effects = {},
  risk = "low",

  run = function(ctx)
    error(function() end)
  end,
}

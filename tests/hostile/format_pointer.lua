-- verdict: error script: address
-- %p would show where the table is.

return {
  about = "Hostile: format pointer.",
  input = {},
  output = {},
  outcomes = { "done" },
  effects = {},
  risk = "low",

  run = function(ctx)
    return ("%p"):format({})
  end,
}

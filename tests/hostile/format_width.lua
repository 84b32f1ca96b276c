-- verdict: error script: invalid conversion
-- A width that would pad to a hundred kilobytes.

return {
  about = "Hostile: format width.",
  input = {},
  output = {},
  outcomes = { "done" },
  effects = {},
  risk = "low",

  run = function(ctx)
    return ("%99999d"):format(1)
  end,
}

-- verdict: error script: invalid format
-- Flags without an end.

return {
  about = "Hostile: format long flags.",
  input = {},
  output = {},
  outcomes = { "done" },
  effects = {},
  risk = "low",

  run = function(ctx)
    return ("%" .. ("-"):rep(100000) .. "d"):format(1)
  end,
}

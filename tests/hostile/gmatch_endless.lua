-- verdict: killed instructions
-- Calls an exhausted iterator for ever.

return {
  about = "Hostile: gmatch endless.",
  input = {},
  output = {},
  outcomes = { "done" },
  effects = {},
  risk = "low",

  run = function(ctx)
    local again = ("x"):gmatch("y")
    while not again() do end
    return "done"
  end,
}

-- verdict: killed output
-- An output that contains itself.

return {
  about = "Hostile: output cycle.",
  input = {},
  output = { nest = "any" },
  outcomes = { "done" },
  effects = {},
  risk = "low",

  run = function(ctx)
    local t = {}
    t.nest = t
    return "done", t
  end,
}

-- verdict: error script: limit
-- A table that contains itself.

return {
  about = "Hostile: json encode cycle.",
  input = {},
  output = {},
  outcomes = { "done" },
  effects = {},
  risk = "low",

  run = function(ctx)
    local t = {}
    t[1] = t
    return json.encode(t)
  end,
}

-- verdict: error script: json_duplicate
-- One key twice: two readers would see two events.

return {
  about = "Hostile: json decode duplicate.",
  input = {},
  output = {},
  outcomes = { "done" },
  effects = {},
  risk = "low",

  run = function(ctx)
    return json.decode([[{"a":1,"a":2}]])
  end,
}

-- verdict: error script: json_
-- A number that does not fit.

return {
  about = "Hostile: json decode number.",
  input = {},
  output = {},
  outcomes = { "done" },
  effects = {},
  risk = "low",

  run = function(ctx)
    return json.decode("1e999999")
  end,
}

-- verdict: error script: json_depth
-- A text of a hundred thousand brackets.

return {
  about = "Hostile: json decode deep.",
  input = {},
  output = {},
  outcomes = { "done" },
  effects = {},
  risk = "low",

  run = function(ctx)
    return json.decode(("["):rep(100000))
  end,
}

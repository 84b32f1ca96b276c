-- verdict: error script: contract
-- A list with holes.

return {
  about = "Hostile: json encode sparse.",
  input = {},
  output = {},
  outcomes = { "done" },
  effects = {},
  risk = "low",

  run = function(ctx)
    return json.encode({ [1] = 1, [1 << 40] = 2 })
  end,
}

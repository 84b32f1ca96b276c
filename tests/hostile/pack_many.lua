-- verdict: error script: too many results to unpack
-- Packs more values than a call can take.

return {
  about = "Hostile: pack many.",
  input = {},
  output = {},
  outcomes = { "done" },
  effects = {},
  risk = "low",

  run = function(ctx)
    return table.pack(table.unpack({}, 1, 2000000))
  end,
}

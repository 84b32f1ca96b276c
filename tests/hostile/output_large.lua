-- verdict: killed output
-- Eight megabytes of text.

return {
  about = "Hostile: output large.",
  input = {},
  output = { text = "string" },
  outcomes = { "done" },
  effects = {},
  risk = "low",

  run = function(ctx)
    return "done", { text = ("x"):rep(8 << 20) }
  end,
}

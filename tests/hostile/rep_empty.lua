-- verdict: ok done
-- Nothing, repeated 2^60 times, takes no time.

return {
  about = "Hostile: rep empty.",
  input = {},
  output = {},
  outcomes = { "done" },
  effects = {},
  risk = "low",

  run = function(ctx)
    assert((""):rep(1 << 60) == "")
    return "done"
  end,
}

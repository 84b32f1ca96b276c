-- verdict: ok done
-- next after a key that was never there must not fail or loop.

return {
  about = "Hostile: next strange key.",
  input = {},
  output = {},
  outcomes = { "done" },
  effects = {},
  risk = "low",

  run = function(ctx)
    local t = { a = 1, c = 3 }
    assert(next(t, "b") == "c")
    assert(next(t, "zzz") == nil)
    assert(next(t, true) == nil)
    return "done"
  end,
}

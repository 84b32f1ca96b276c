-- verdict: ok done
-- Changes the library for the next attempt, and looks for a change.

return {
  about = "Hostile: trace libraries.",
  input = {},
  output = {},
  outcomes = { "done" },
  effects = {},
  risk = "low",

  run = function(ctx)
    assert(string.mark == nil and math.mark == nil and ipairs({}))
    assert(("x"):upper() == "X")
    function string.upper()
      return "evil"
    end
    string.mark, math.mark, ipairs = true, true, nil
    assert(("x"):upper() == "evil")
    return "done"
  end,
}

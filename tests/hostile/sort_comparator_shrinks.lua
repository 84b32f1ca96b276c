-- verdict: ok done
-- A comparator that empties the list while it is sorted.

return {
  about = "Hostile: sort comparator shrinks.",
  input = {},
  output = {},
  outcomes = { "done" },
  effects = {},
  risk = "low",

  run = function(ctx)
    local t = {}
    for i = 1, 500 do
      t[i] = 500 - i
    end
    table.sort(t, function(a, b)
      t[#t] = nil
      return a < b
    end)
    assert(t[1] == 0 and t[500] == 499)
    return "done"
  end,
}

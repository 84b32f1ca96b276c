-- verdict: ok done
-- Comparators that contradict themselves must neither loop nor lose an element.

return {
  about = "Hostile: sort inconsistent.",
  input = {},
  output = {},
  outcomes = { "done" },
  effects = {},
  risk = "low",

  run = function(ctx)
    local t, flip = {}, false
    for i = 1, 2000 do
      t[i] = i
    end
    table.sort(t, function()
      return true
    end)
    table.sort(t, function()
      flip = not flip
      return flip
    end)
    local sum = 0
    for i = 1, 2000 do
      sum = sum + t[i]
    end
    assert(sum == 2001000)
    return "done"
  end,
}

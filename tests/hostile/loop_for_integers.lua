-- verdict: ok done
-- A loop that ends at the largest integer must not wrap around.

return {
  about = "Hostile: loop for integers.",
  input = {},
  output = {},
  outcomes = { "done" },
  effects = {},
  risk = "low",

  run = function(ctx)
    local count = 0
    for _ = math.maxinteger - 2, math.maxinteger do
      count = count + 1
    end
    assert(count == 3)
    return "done"
  end,
}

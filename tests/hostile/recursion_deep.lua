-- verdict: killed memory
-- Calls itself without end.

return {
  about = "Hostile: recursion deep.",
  input = {},
  output = {},
  outcomes = { "done" },
  effects = {},
  risk = "low",

  run = function(ctx)
    local function f(n)
      return 1 + f(n + 1)
    end
    return f(0)
  end,
}

-- verdict: killed cpu
-- Calls itself under pcall at every level, and goes on at every level.

return {
  about = "Hostile: recursion pcall.",
  input = {},
  output = {},
  outcomes = { "done" },
  effects = {},
  risk = "low",

  run = function(ctx)
    local function f()
      pcall(f)
      pcall(f)
    end
    f()
    return "done"
  end,
}

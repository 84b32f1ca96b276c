-- verdict: killed cpu
-- Handlers that fail with handlers, without end.

return {
  about = "Hostile: recursion xpcall.",
  input = {},
  output = {},
  outcomes = { "done" },
  effects = {},
  risk = "low",

  run = function(ctx)
    local function fail()
      xpcall(fail, fail)
      xpcall(fail, fail)
    end
    fail()
    return "done"
  end,
}

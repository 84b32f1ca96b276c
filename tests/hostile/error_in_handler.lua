-- verdict: ok done
-- An error handler that raises an error.

return {
  about = "Hostile: error in handler.",
  input = {},
  output = {},
  outcomes = { "done" },
  effects = {},
  risk = "low",

  run = function(ctx)
    local ok, message = xpcall(error, function()
      error("again", 0)
    end, "first")
    assert(ok == false and message == "again")
    return "done"
  end,
}

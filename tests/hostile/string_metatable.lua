-- verdict: ok done
-- Reaches for the metatable that all texts share.

return {
  about = "Hostile: string metatable.",
  input = {},
  output = {},
  outcomes = { "done" },
  effects = {},
  risk = "low",

  run = function(ctx)
    assert(getmetatable("") == false)
    assert(not pcall(setmetatable, "", {}))
    assert(not pcall(function()
      getmetatable("").__index = nil
    end))
    return "done"
  end,
}

-- verdict: ok done
-- Integers at their ends, and divisions by nothing.

return {
  about = "Hostile: math edges.",
  input = {},
  output = {},
  outcomes = { "done" },
  effects = {},
  risk = "low",

  run = function(ctx)
    assert(not pcall(function()
      return 1 // 0
    end))
    assert(not pcall(function()
      return 1 % 0
    end))
    assert(math.mininteger // -1 == math.mininteger)
    assert(math.mininteger % -1 == 0)
    assert(1 << 64 == 0 and 1 << -64 == 0)
    assert(not pcall(math.tointeger) and not pcall(math.fmod, 1, 0))
    assert(not pcall(function()
      for _ = 1, 10, 0 do end
    end))
    return "done"
  end,
}

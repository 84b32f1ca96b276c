-- verdict: ok done
-- Puts __gc into its metatable after it was accepted.

return {
  about = "Hostile: meta gc later.",
  input = {},
  output = {},
  outcomes = { "done" },
  effects = {},
  risk = "low",

  run = function(ctx)
    local mt = {}
    local count = 0
    local function finalizer()
      count = count + 1
    end
    for _ = 1, 20000 do
      local t = setmetatable({}, mt)
      mt.__gc = finalizer
      mt.__gc = t and nil
      mt.__gc = finalizer
      rawset(mt, "__gc", nil)
      setmetatable(t, mt)
      mt.__gc = finalizer
      mt.__gc = nil
    end
    assert(count == 0)
    return "done"
  end,
}

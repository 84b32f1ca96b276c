-- verdict: ok done
-- Traps in the metatable of the output must not be stepped into.

return {
  about = "Hostile: output metamethods.",
  input = {},
  output = { value = "integer" },
  outcomes = { "done" },
  effects = {},
  risk = "low",

  run = function(ctx)
    local function loop()
      while true do end
    end
    local trap = { __index = loop, __len = loop, __pairs = loop,
      __tostring = loop, __call = loop, __name = "trap" }
    return "done", setmetatable({ value = 1 }, trap)
  end,
}

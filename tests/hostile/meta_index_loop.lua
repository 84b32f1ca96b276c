-- verdict: killed instructions
-- Reads a field where the metamethod never ends, under pcall.

return {
  about = "Hostile: meta index loop.",
  input = {},
  output = {},
  outcomes = { "done" },
  effects = {},
  risk = "low",

  run = function(ctx)
    local function loop()
      while true do end
    end
    local t = setmetatable({}, { __index = loop })
    local u = setmetatable({}, { __index = loop })
    while true do
      pcall(function()
        return t.x, u
      end)
    end
  end,
}

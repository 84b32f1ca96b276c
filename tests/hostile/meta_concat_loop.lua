-- verdict: killed instructions
-- Joins where the metamethod never ends, under pcall.

return {
  about = "Hostile: meta concat loop.",
  input = {},
  output = {},
  outcomes = { "done" },
  effects = {},
  risk = "low",

  run = function(ctx)
    local function loop()
      while true do end
    end
    local t = setmetatable({}, { __concat = loop })
    local u = setmetatable({}, { __concat = loop })
    while true do
      pcall(function()
        return t .. u, u
      end)
    end
  end,
}

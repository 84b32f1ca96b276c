-- verdict: killed instructions
-- Compares for equality where the metamethod never ends, under pcall.

return {
  about = "Hostile: meta eq loop.",
  input = {},
  output = {},
  outcomes = { "done" },
  effects = {},
  risk = "low",

  run = function(ctx)
    local function loop()
      while true do end
    end
    local t = setmetatable({}, { __eq = loop })
    local u = setmetatable({}, { __eq = loop })
    while true do
      pcall(function()
        return t == u, u
      end)
    end
  end,
}

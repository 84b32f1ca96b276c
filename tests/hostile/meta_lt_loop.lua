-- verdict: killed instructions
-- Compares for order where the metamethod never ends, under pcall.

return {
  about = "Hostile: meta lt loop.",
  input = {},
  output = {},
  outcomes = { "done" },
  effects = {},
  risk = "low",

  run = function(ctx)
    local function loop()
      while true do end
    end
    local t = setmetatable({}, { __lt = loop })
    local u = setmetatable({}, { __lt = loop })
    while true do
      pcall(function()
        return t < u, u
      end)
    end
  end,
}

-- verdict: killed instructions
-- Negates where the metamethod never ends, under pcall.

return {
  about = "Hostile: meta unm loop.",
  input = {},
  output = {},
  outcomes = { "done" },
  effects = {},
  risk = "low",

  run = function(ctx)
    local function loop()
      while true do end
    end
    local t = setmetatable({}, { __unm = loop })
    local u = setmetatable({}, { __unm = loop })
    while true do
      pcall(function()
        return -t, u
      end)
    end
  end,
}

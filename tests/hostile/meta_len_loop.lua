-- verdict: killed instructions
-- Asks for the length where the metamethod never ends, under pcall.

return {
  about = "Hostile: meta len loop.",
  input = {},
  output = {},
  outcomes = { "done" },
  effects = {},
  risk = "low",

  run = function(ctx)
    local function loop()
      while true do end
    end
    local t = setmetatable({}, { __len = loop })
    local u = setmetatable({}, { __len = loop })
    while true do
      pcall(function()
        return #t, u
      end)
    end
  end,
}

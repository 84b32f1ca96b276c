-- verdict: killed instructions
-- Its __tostring never ends, called from inside string.format.

return {
  about = "Hostile: meta tostring loop.",
  input = {},
  output = {},
  outcomes = { "done" },
  effects = {},
  risk = "low",

  run = function(ctx)
    local t = setmetatable({}, {
      __tostring = function()
        while true do end
      end,
    })
    while true do
      pcall(string.format, "%s", t)
    end
  end,
}

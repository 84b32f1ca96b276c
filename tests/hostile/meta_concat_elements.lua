-- verdict: killed instructions
-- table.concat over a table that claims to be endless.

return {
  about = "Hostile: meta concat elements.",
  input = {},
  output = {},
  outcomes = { "done" },
  effects = {},
  risk = "low",

  run = function(ctx)
    local t = setmetatable({}, {
      __len = function()
        return math.maxinteger
      end,
      __index = function()
        return "x"
      end,
    })
    while true do
      pcall(table.concat, t)
    end
  end,
}

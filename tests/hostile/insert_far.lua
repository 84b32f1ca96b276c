-- verdict: killed instructions
-- Inserts at the front of a table that claims 2^60 elements.

return {
  about = "Hostile: insert far.",
  input = {},
  output = {},
  outcomes = { "done" },
  effects = {},
  risk = "low",

  run = function(ctx)
    local t = setmetatable({}, {
      __len = function()
        return 1 << 60
      end,
    })
    while true do
      pcall(table.insert, t, 1, "x")
    end
  end,
}

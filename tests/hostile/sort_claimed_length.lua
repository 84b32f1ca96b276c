-- verdict: killed instructions
-- Sorts a table that claims 2^60 elements.

return {
  about = "Hostile: sort claimed length.",
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
    pcall(table.sort, t, function()
      return false
    end)
    return "done"
  end,
}

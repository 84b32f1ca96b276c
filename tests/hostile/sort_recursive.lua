-- verdict: killed memory
-- A comparator that sorts with itself.

return {
  about = "Hostile: sort recursive.",
  input = {},
  output = {},
  outcomes = { "done" },
  effects = {},
  risk = "low",

  run = function(ctx)
    local function order(a, b)
      table.sort({ 1, 2, 3 }, order)
      return a < b
    end
    table.sort({ 1, 2, 3 }, order)
    return "done"
  end,
}

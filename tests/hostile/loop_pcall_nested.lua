-- verdict: killed instructions
-- Catches the stop at every level of a deep nest of pcalls.

return {
  about = "Hostile: loop pcall nested.",
  input = {},
  output = {},
  outcomes = { "done" },
  effects = {},
  risk = "low",

  run = function(ctx)
    local function nest(depth)
      while true do
        if depth < 100 then
          pcall(nest, depth + 1)
        end
      end
    end
    nest(0)
  end,
}

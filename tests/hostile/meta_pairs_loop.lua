-- verdict: killed instructions
-- Its __pairs gives an iterator without an end.

return {
  about = "Hostile: meta pairs loop.",
  input = {},
  output = {},
  outcomes = { "done" },
  effects = {},
  risk = "low",

  run = function(ctx)
    local t = setmetatable({}, {
      __pairs = function()
        return function()
          return 1
        end
      end,
    })
    for _ in pairs(t) do end
    return "done"
  end,
}

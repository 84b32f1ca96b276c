-- verdict: error script: '__tostring' must return a string
-- Its __tostring gives a table.

return {
  about = "Hostile: meta tostring not text.",
  input = {},
  output = {},
  outcomes = { "done" },
  effects = {},
  risk = "low",

  run = function(ctx)
    local t = setmetatable({}, {
      __tostring = function()
        return {}
      end,
    })
    return tostring(t)
  end,
}

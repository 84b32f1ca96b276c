-- verdict: error script: overflow
-- Its __tostring asks for its own text.

return {
  about = "Hostile: meta tostring recursion.",
  input = {},
  output = {},
  outcomes = { "done" },
  effects = {},
  risk = "low",

  run = function(ctx)
    local t
    t = setmetatable({}, {
      __tostring = function()
        return ("<%s>"):format(t)
      end,
    })
    return tostring(t)
  end,
}

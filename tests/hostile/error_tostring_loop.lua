-- verdict: error script: no text
-- Raises a table whose text never ends.

return {
  about = "Hostile: error tostring loop.",
  input = {},
  output = {},
  outcomes = { "done" },
  effects = {},
  risk = "low",

  run = function(ctx)
    error(setmetatable({}, {
      __tostring = function()
        while true do end
      end,
      __index = function()
        while true do end
      end,
    }))
  end,
}

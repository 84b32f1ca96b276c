-- verdict: error script: '__gc'
-- Wants to run code in the collector, where hooks are off.

return {
  about = "Hostile: meta gc.",
  input = {},
  output = {},
  outcomes = { "done" },
  effects = {},
  risk = "low",

  run = function(ctx)
    setmetatable({}, {
      __gc = function()
        while true do end
      end,
    })
    return "done"
  end,
}

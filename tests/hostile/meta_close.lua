-- verdict: error script: '__close'
-- A metatable with __close.

return {
  about = "Hostile: meta close.",
  input = {},
  output = {},
  outcomes = { "done" },
  effects = {},
  risk = "low",

  run = function(ctx)
    local x <close> = setmetatable({}, {
      __close = function()
        while true do end
      end,
    })
    return "done"
  end,
}

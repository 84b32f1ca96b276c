-- verdict: error script: non-closable
-- Puts __close into its metatable after it was accepted.

return {
  about = "Hostile: meta close later.",
  input = {},
  output = {},
  outcomes = { "done" },
  effects = {},
  risk = "low",

  run = function(ctx)
    local mt = {}
    local t = setmetatable({}, mt)
    mt.__close = function()
      while true do end
    end
    local x <close> = t
    return "done"
  end,
}

-- verdict: error script: '__call' must be a function
-- A table that is called through itself, so that one instruction takes hours.

return {
  about = "Hostile: meta call chain.",
  input = {},
  output = {},
  outcomes = { "done" },
  effects = {},
  risk = "low",

  run = function(ctx)
    local mt = {}
    local t = setmetatable({}, mt)
    mt.__call = t
    setmetatable(t, mt)
    return t()
  end,
}

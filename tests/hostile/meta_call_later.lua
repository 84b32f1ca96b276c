-- verdict: error script: attempt to call
-- The same ring, closed after the metatable was accepted.

return {
  about = "Hostile: meta call later.",
  input = {},
  output = {},
  outcomes = { "done" },
  effects = {},
  risk = "low",

  run = function(ctx)
    local mt = { __call = type }
    local t = setmetatable({}, mt)
    mt.__call = t
    local u = {}
    pcall(setmetatable, u, mt)
    return u()
  end,
}

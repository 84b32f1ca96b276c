-- verdict: error script: loop
-- Two tables that look for missing fields in each other.

return {
  about = "Hostile: meta index chain.",
  input = {},
  output = {},
  outcomes = { "done" },
  effects = {},
  risk = "low",

  run = function(ctx)
    local a, b = {}, {}
    setmetatable(a, { __index = b })
    setmetatable(b, { __index = a })
    return a.missing
  end,
}

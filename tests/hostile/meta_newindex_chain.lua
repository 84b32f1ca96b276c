-- verdict: error script: loop
-- Two tables that pass an assignment to each other.

return {
  about = "Hostile: meta newindex chain.",
  input = {},
  output = {},
  outcomes = { "done" },
  effects = {},
  risk = "low",

  run = function(ctx)
    local a, b = {}, {}
    setmetatable(a, { __newindex = b })
    setmetatable(b, { __newindex = a })
    a.missing = 1
    return "done"
  end,
}

-- verdict: error script: non-closable
-- Hands a closable fourth value to a generic for.

return {
  about = "Hostile: meta close iterator.",
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
    for _ in next, {}, nil, t do end
    return "done"
  end,
}

-- verdict: killed instructions
-- Walks a large table by next, which looks at all keys each time.

return {
  about = "Hostile: next quadratic.",
  input = {},
  output = {},
  outcomes = { "done" },
  effects = {},
  risk = "low",

  run = function(ctx)
    local t, key = {}, nil
    for i = 1, 50000 do
      t[i] = i
    end
    repeat
      key = next(t, key)
    until not key
    return "done"
  end,
}

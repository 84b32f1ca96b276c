-- verdict: ok done
-- Its __name is no text.

return {
  about = "Hostile: meta name not text.",
  input = {},
  output = {},
  outcomes = { "done" },
  effects = {},
  risk = "low",

  run = function(ctx)
    local t = setmetatable({}, { __name = {} })
    assert(tostring(t) == "table")
    return "done"
  end,
}

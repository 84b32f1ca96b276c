-- verdict: killed instructions
-- Never ends by tail calls, which use no stack.

return {
  about = "Hostile: loop tail call.",
  input = {},
  output = {},
  outcomes = { "done" },
  effects = {},
  risk = "low",

  run = function(ctx)
    local function again(n)
      return again(n + 1)
    end
    return again(0)
  end,
}

-- verdict: killed cpu
-- Tail calls whose arguments grow by one, so each call copies all of them.

return {
  about = "Hostile: loop varargs.",
  input = {},
  output = {},
  outcomes = { "done" },
  effects = {},
  risk = "low",

  run = function(ctx)
    local function more(...)
      return more(1, ...)
    end
    while true do
      pcall(more)
    end
  end,
}

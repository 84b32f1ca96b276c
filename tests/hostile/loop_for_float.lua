-- verdict: killed instructions
-- A loop whose counter stops growing before its end.

return {
  about = "Hostile: loop for float.",
  input = {},
  output = {},
  outcomes = { "done" },
  effects = {},
  risk = "low",

  run = function(ctx)
    local count = 0
    for _ = 2^53, 2^53 + 4, 0.5 do
      count = count + 1
    end
    return "done"
  end,
}

-- verdict: killed memory
-- Keeps every step of a growing text.

return {
  about = "Hostile: concat many.",
  input = {},
  output = {},
  outcomes = { "done" },
  effects = {},
  risk = "low",

  run = function(ctx)
    local all, s = {}, ""
    for i = 1, math.maxinteger do
      s = s .. "0123456789abcdef"
      all[i] = s
    end
    return "done"
  end,
}

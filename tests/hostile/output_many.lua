-- verdict: killed output
-- Half a million numbers.

return {
  about = "Hostile: output many.",
  input = {},
  output = { list = "list" },
  outcomes = { "done" },
  effects = {},
  risk = "low",

  run = function(ctx)
    local t = {}
    for i = 1, 500000 do
      t[i] = i
    end
    return "done", { list = t }
  end,
}

-- verdict: killed cpu
-- Encodes a table that fails late, again and again.

return {
  about = "Hostile: json encode fails loop.",
  input = {},
  output = {},
  outcomes = { "done" },
  effects = {},
  risk = "low",

  run = function(ctx)
    local t = {}
    for i = 1, 50000 do
      t[i] = i
    end
    t[50001] = type
    while true do
      pcall(json.encode, t)
    end
  end,
}

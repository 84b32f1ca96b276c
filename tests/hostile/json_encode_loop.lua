-- verdict: killed cpu
-- Encodes a large table again and again.

return {
  about = "Hostile: json encode loop.",
  input = {},
  output = {},
  outcomes = { "done" },
  effects = {},
  risk = "low",

  run = function(ctx)
    local t = {}
    for i = 1, 20000 do
      t[i] = { name = "x" .. i }
    end
    while true do
      pcall(json.encode, t)
    end
  end,
}

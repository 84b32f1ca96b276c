-- verdict: killed instructions
-- Unpacks a hundred thousand elements again and again.

return {
  about = "Hostile: unpack loop.",
  input = {},
  output = {},
  outcomes = { "done" },
  effects = {},
  risk = "low",

  run = function(ctx)
    local t = {}
    for i = 1, 100000 do
      t[i] = i
    end
    while true do
      select("#", table.unpack(t))
    end
  end,
}

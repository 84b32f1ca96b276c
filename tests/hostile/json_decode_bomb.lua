-- verdict: killed memory
-- Keeps every decoded copy of a text that is small beside its tables.

return {
  about = "Hostile: json decode bomb.",
  input = {},
  output = {},
  outcomes = { "done" },
  effects = {},
  risk = "low",

  run = function(ctx)
    local text, all = "[" .. ("{},"):rep(100000) .. "1]", {}
    while true do
      all[#all + 1] = json.decode(text)
    end
  end,
}

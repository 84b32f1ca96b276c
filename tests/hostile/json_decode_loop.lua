-- verdict: killed cpu
-- Decodes a large text again and again, under pcall.

return {
  about = "Hostile: json decode loop.",
  input = {},
  output = {},
  outcomes = { "done" },
  effects = {},
  risk = "low",

  run = function(ctx)
    local text = "[" .. ("[],"):rep(100000) .. "1]"
    while true do
      pcall(json.decode, text)
    end
  end,
}

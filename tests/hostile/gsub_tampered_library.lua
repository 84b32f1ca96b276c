-- verdict: killed instructions
-- Replaces string.sub, which the gsub of the engine uses, by a loop.

return {
  about = "Hostile: gsub tampered library.",
  input = {},
  output = {},
  outcomes = { "done" },
  effects = {},
  risk = "low",

  run = function(ctx)
    function string.sub()
      while true do end
    end
    while true do
      pcall(string.gsub, "x", "x", function() end)
    end
  end,
}

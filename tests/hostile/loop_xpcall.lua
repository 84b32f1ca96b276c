-- verdict: killed instructions
-- Loops in the handler of the error that stopped its loop.

return {
  about = "Hostile: loop xpcall.",
  input = {},
  output = {},
  outcomes = { "done" },
  effects = {},
  risk = "low",

  run = function(ctx)
    local function loop()
      while true do end
    end
    while true do
      xpcall(loop, loop)
    end
  end,
}

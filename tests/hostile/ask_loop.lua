-- verdict: killed instructions
-- Asks for ever: every answer begins a new count of instructions.

return {
  about    = "Ask without end.",
  outcomes = { "done" },
  effects  = {},
  run = function(ctx)
    while true do
      pcall(ctx.now)
    end
  end,
}

-- verdict: ok done
-- Leaves a global for the next attempt, and looks for one left by the last.

if left_behind_at_load then
  error("a trace of another attempt")
end
left_behind_at_load = true

return {
  about = "Hostile: trace globals.",
  input = {},
  output = {},
  outcomes = { "done" },
  effects = {},
  risk = "low",

  run = function(ctx)
    if left_behind then
      error("a trace of another attempt")
    end
    left_behind = true
    return "done"
  end,
}

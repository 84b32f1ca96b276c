-- verdict: killed output
-- A small table that unfolds to 2^24 values.

return {
  about = "Hostile: output shared.",
  input = {},
  output = { nest = "any" },
  outcomes = { "done" },
  effects = {},
  risk = "low",

  run = function(ctx)
    local t = { 1 }
    for _ = 1, 24 do
      t = { t, t }
    end
    return "done", { nest = t }
  end,
}

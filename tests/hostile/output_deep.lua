-- verdict: killed output
-- Nests its output a thousand deep.

return {
  about = "Hostile: output deep.",
  input = {},
  output = { nest = "any" },
  outcomes = { "done" },
  effects = {},
  risk = "low",

  run = function(ctx)
    local t = {}
    for _ = 1, 1000 do
      t = { t }
    end
    return "done", { nest = t }
  end,
}

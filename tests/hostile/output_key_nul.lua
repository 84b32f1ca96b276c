-- verdict: error contract: key
-- A key that C would read as another one.

return {
  about = "Hostile: output key nul.",
  input = {},
  output = { value = "any" },
  outcomes = { "done" },
  effects = {},
  risk = "low",

  run = function(ctx)
    return "done", { ["mode\0x"] = 1 }
  end,
}

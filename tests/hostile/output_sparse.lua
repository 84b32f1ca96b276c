-- verdict: error contract: key
-- A list with holes, which would be a gigabyte of nulls.

return {
  about = "Hostile: output sparse.",
  input = {},
  output = { list = "any" },
  outcomes = { "done" },
  effects = {},
  risk = "low",

  run = function(ctx)
    return "done", { list = { [1] = 1, [1 << 30] = 2 } }
  end,
}

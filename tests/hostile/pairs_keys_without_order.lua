-- verdict: error script: has no order
-- Tables as keys would come in the order of their addresses.

return {
  about = "Hostile: pairs keys without order.",
  input = {},
  output = {},
  outcomes = { "done" },
  effects = {},
  risk = "low",

  run = function(ctx)
    for _ in pairs({ [{}] = 1, [{}] = 2 }) do end
    return "done"
  end,
}

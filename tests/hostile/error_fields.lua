-- verdict: error script: no text
-- Raises a table whose code and text are tables.

return {
  about = "Hostile: error fields.",
  input = {},
  output = {},
  outcomes = { "done" },
  effects = {},
  risk = "low",

  run = function(ctx)
    error({ code = {}, text = {}, status = {}, where = {} })
  end,
}

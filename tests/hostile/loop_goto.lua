-- verdict: killed instructions
-- Never ends, without any loop statement.

return {
  about = "Hostile: loop goto.",
  input = {},
  output = {},
  outcomes = { "done" },
  effects = {},
  risk = "low",

  run = function(ctx)
    ::again::
    goto again
  end,
}

-- verdict: error contract: UTF-8
-- Bytes that are no text.

return {
  about = "Hostile: output not utf8.",
  input = {},
  output = { text = "string" },
  outcomes = { "done" },
  effects = {},
  risk = "low",

  run = function(ctx)
    return "done", { text = "\xff\xfe\xed\xa0\x80" }
  end,
}

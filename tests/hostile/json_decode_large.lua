-- verdict: error script: json_size
-- A text beyond the cap.

return {
  about = "Hostile: json decode large.",
  input = {},
  output = {},
  outcomes = { "done" },
  effects = {},
  risk = "low",

  run = function(ctx)
    return json.decode("[" .. ("1,"):rep(4 << 20) .. "1]")
  end,
}

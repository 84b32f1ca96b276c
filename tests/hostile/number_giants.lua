-- verdict: killed cpu
-- Gives mathematics a text of eight million spaces.

return {
  about = "Hostile: number giants.",
  input = {},
  output = {},
  outcomes = { "done" },
  effects = {},
  risk = "low",

  run = function(ctx)
    local s = (" "):rep(8 << 20) .. "1"
    while math.floor(s) do end
    return "done"
  end,
}

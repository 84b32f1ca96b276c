-- verdict: ok done
-- Looks for an order that differs from run to run.

return {
  about = "Hostile: pairs order.",
  input = {},
  output = {},
  outcomes = { "done" },
  effects = {},
  risk = "low",

  run = function(ctx)
    local t = {}
    for _, key in ipairs({ "delta", "alpha", "charlie", "bravo" }) do
      t[key] = true
    end
    t[3], t[1], t[2.5] = true, true, true
    local seen = {}
    for key in pairs(t) do
      seen[#seen + 1] = tostring(key)
    end
    assert(table.concat(seen, " ") == "1 2.5 3 alpha bravo charlie delta")
    return "done"
  end,
}

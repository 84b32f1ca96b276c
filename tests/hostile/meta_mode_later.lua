-- verdict: ok done
-- Makes a table weak after its metatable was accepted.

return {
  about = "Hostile: meta mode later.",
  input = {},
  output = {},
  outcomes = { "done" },
  effects = {},
  risk = "low",

  run = function(ctx)
    local mt = {}
    local t = setmetatable({}, mt)
    mt.__mode = "v"
    for i = 1, 1000 do
      t[i] = {}
    end
    local waste
    for i = 1, 20000 do
      waste = { waste and i }
    end
    for i = 1, 1000 do
      assert(t[i])
    end
    return "done"
  end,
}

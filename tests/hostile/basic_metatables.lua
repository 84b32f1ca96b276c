-- verdict: ok done
-- Gives metatables to values that are not tables.

return {
  about = "Hostile: basic metatables.",
  input = {},
  output = {},
  outcomes = { "done" },
  effects = {},
  risk = "low",

  run = function(ctx)
    for _, value in ipairs({ 1, "x", true, print or type }) do
      assert(not pcall(setmetatable, value, { __index = {} }))
    end
    assert(not pcall(setmetatable, nil, {}))
    assert(not pcall(setmetatable, json.null, {}))
    return "done"
  end,
}

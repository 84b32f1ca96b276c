-- verdict: error script: protected
-- Takes the mark of a JSON list away and puts its own there.

return {
  about = "Hostile: marker metatable.",
  input = {},
  output = {},
  outcomes = { "done" },
  effects = {},
  risk = "low",

  run = function(ctx)
    local list = json.array({})
    assert(getmetatable(list) == "json.array")
    return setmetatable(list, {})
  end,
}

-- verdict: ok done
-- Looks for the cjson that exits the process, rounds, and takes NaN.

return {
  about = "Hostile: cjson is ours.",
  input = {},
  output = {},
  outcomes = { "done" },
  effects = {},
  risk = "low",

  run = function(ctx)
    local cjson = require "cjson"
    assert(not pcall(cjson.decode, "NaN"))
    assert(not pcall(cjson.decode, "[1,]"))
    assert(not pcall(cjson.encode, 0 / 0))
    assert(cjson.encode(100000000000000) == "100000000000000")
    assert(cjson.decode("9007199254740993") == 9007199254740993)
    return "done"
  end,
}

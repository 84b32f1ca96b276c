-- verdict: error script: no library
-- Asks require for what it must not have.

return {
  about = "Hostile: require os.",
  input = {},
  output = {},
  outcomes = { "done" },
  effects = {},
  risk = "low",

  run = function(ctx)
    local names = { "os", "io", "debug", "package", "ffi", "coroutine" }
    for _, name in ipairs(names) do
      assert(not pcall(require, name), name)
    end
    return require "os"
  end,
}

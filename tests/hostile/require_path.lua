-- verdict: error script: no library
-- Asks require for a file outside the bundle.

return {
  about = "Hostile: require path.",
  input = {},
  output = {},
  outcomes = { "done" },
  effects = {},
  risk = "low",

  run = function(ctx)
    local names = {
      "lib.../../etc/passwd", "lib./etc/passwd", "lib.", "", "lib",
      "../nodes/analyst", "lib.\0time", "nodes.analyst", "prelude", "ctx",
    }
    for _, name in ipairs(names) do
      assert(not pcall(require, name), name)
    end
    return require "lib.../../../../etc/passwd"
  end,
}

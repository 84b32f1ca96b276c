-- verdict: error script: overflow
-- Goes down through C functions of the library.

return {
  about = "Hostile: recursion c.",
  input = {},
  output = {},
  outcomes = { "done" },
  effects = {},
  risk = "low",

  run = function(ctx)
    local function f(s)
      return (s:gsub(".", f))
    end
    return f("x")
  end,
}

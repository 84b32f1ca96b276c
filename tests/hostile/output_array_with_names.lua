-- verdict: error contract: json.array
-- Hides a name in a list, to see it silently lost.

return {
  about    = "Return a list with a name in it.",
  outcomes = { "done" },
  output   = { list = "list" },
  effects  = {},
  run = function()
    local list = json.array { 1, 2 }
    list.hidden = true
    return "done", { list = list }
  end,
}

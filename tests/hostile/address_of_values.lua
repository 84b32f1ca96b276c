-- verdict: ok done
-- Looks for an address in every text it can get.

return {
  about = "Hostile: address of values.",
  input = {},
  output = {},
  outcomes = { "done" },
  effects = {},
  risk = "low",

  run = function(ctx)
    local values = { {}, type, function() end, json.null, json.array({}), ctx }
    for i = 1, 6 do
      local text = tostring(values[i]) .. ("%s"):format(values[i])
      assert(not text:find("0x") and not text:find("%d"), text)
    end
    local _, message = pcall(function()
      return {} .. "x"
    end)
    assert(not message:find("0x"), message)
    _, message = pcall(error, {})
    assert(tostring(message) == "table")
    return "done"
  end,
}

-- verdict: ok done
-- Walks over all that it can reach and looks for a name that is not on the list.

return {
  about = "Hostile: absent everything else.",
  input = {},
  output = {},
  outcomes = { "done" },
  effects = {},
  risk = "low",

  run = function(ctx)
    local listed = {}
    for name in ([[
      assert error getmetatable ipairs json math next pairs pcall rawequal rawget
      rawlen rawset require select setmetatable string table tonumber tostring
      type utf8 xpcall _G _VERSION
      json.array json.decode json.encode json.null json.object
      math.abs math.acos math.asin math.atan math.ceil math.cos math.deg math.exp
      math.floor math.fmod math.huge math.log math.max math.maxinteger math.min
      math.mininteger math.modf math.pi math.rad math.random math.randomseed
      math.sin math.sqrt math.tan math.tointeger math.type math.ult
      string.byte string.char string.find string.format string.gmatch string.gsub
      string.len string.lower string.match string.rep string.reverse string.sub
      string.upper
      table.concat table.insert table.move table.pack table.remove table.sort
      table.unpack
      utf8.char utf8.charpattern utf8.codepoint utf8.codes utf8.len utf8.offset
    ]]):gmatch("%S+") do
      listed[name] = true
    end
    local seen = {}
    local function walk(t, path)
      if rawequal(t, _ENV) and path ~= "" then
        return
      end
      for name, value in pairs(t) do
        local full = path .. name
        seen[#seen + 1] = full
        assert(listed[full], full)
        if type(value) == "table" then
          walk(value, full .. ".")
        end
      end
    end
    walk(_ENV, "")
    assert(#seen > 60)
    return "done"
  end,
}

-- verdict: ok done
-- Looks for the usual doors out.

return {
  about = "Hostile: absent globals.",
  input = {},
  output = {},
  outcomes = { "done" },
  effects = {},
  risk = "low",

  run = function(ctx)
    local absent = {
      "coroutine", "debug", "dofile", "io", "load", "loadfile", "loadstring",
      "module", "os", "package", "print", "collectgarbage", "setfenv",
      "getfenv", "newproxy", "unpack", "warn", "jit", "ffi", "bit32",
    }
    for _, name in ipairs(absent) do
      assert(_ENV[name] == nil, name)
    end
    assert(string.dump == nil and string.pack == nil and string.unpack == nil)
    assert(string.packsize == nil)
    return "done"
  end,
}

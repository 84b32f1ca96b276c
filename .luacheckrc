-- What scripts may name is what the sandbox gives them; a global outside this
-- list would be nil at night. Specs are ordinary Lua under busted.
std = "none"
max_line_length = 80
cache = false
exclude_files = { "build/**", "tests/fixtures/**", "tests/hostile/**" }

files["scripts"] = {
  read_globals = {
    "assert", "error", "ipairs", "math", "next", "pairs", "pcall", "require",
    "select", "string", "table", "tonumber", "tostring", "type", "utf8",
    "xpcall", "json", "getmetatable", "setmetatable", "rawequal", "rawget",
    "rawlen", "rawset",
  },
}
files["tests/spec"] = { std = "lua54+busted", globals = { "json" } }

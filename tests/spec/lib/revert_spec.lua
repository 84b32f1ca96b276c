package.path = "scripts/?.lua;tests/spec/?.lua;" .. package.path
require "support.json"
local revert = require "lib.revert"

local function tree(blobs)
  local entries = {}
  for path, sha in pairs(blobs) do
    entries[#entries + 1] = { path = path, sha = sha, mode = "100644",
                              type = "blob" }
  end
  return { tree = entries, truncated = false }
end

local function entries(files, head, commit, parent)
  return revert.entries(files, { head = tree(head), commit = tree(commit),
                                 parent = tree(parent) })
end

local function file(name, status, previous)
  return { filename = name, status = status, previous_filename = previous }
end

describe("revert", function()
  it("puts the parent's blob back", function()
    local list = entries({ file("a", "modified") }, { a = "2", b = "9" },
      { a = "2", b = "8" }, { a = "1", b = "8" })
    assert.same({ { path = "a", mode = "100644", type = "blob", sha = "1" } },
      list)
  end)

  it("drops what the commit added and restores what it removed", function()
    local list = entries({ file("new", "added"), file("old", "removed") },
      { new = "2" }, { new = "2" }, { old = "1" })
    assert.equal(json.null, list[1].sha)
    assert.equal("1", list[2].sha)
  end)

  it("moves a renamed file back", function()
    local list = entries({ file("to", "renamed", "from") }, { to = "1" },
      { to = "1" }, { from = "1" })
    assert.same({ "to", "from" }, { list[1].path, list[2].path })
    assert.equal(json.null, list[1].sha)
    assert.equal("1", list[2].sha)
  end)

  it("reverts nothing when one file was changed since", function()
    local list, conflicts = entries(
      { file("a", "modified"), file("b", "modified") },
      { a = "2", b = "3" }, { a = "2", b = "2" }, { a = "1", b = "1" })
    assert.is_nil(list)
    assert.same({ "b" }, conflicts)
  end)

  it("does not trust a tree or a commit that was cut short", function()
    local cut = tree { a = "1" }
    cut.truncated = true
    assert.is_nil((revert.entries({ file("a", "modified") },
      { head = cut, commit = cut, parent = cut })))
    local many = {}
    for i = 1, 300 do many[i] = file("f" .. i, "added") end
    assert.is_nil((entries(many, {}, {}, {})))
  end)
end)

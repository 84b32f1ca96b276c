package.path = "scripts/?.lua;tests/spec/?.lua;" .. package.path
require "support.json"
local payload = require "lib.payload"

local function said(call, ...)
  local ok, err = pcall(call, ...)
  assert.is_false(ok)
  assert.equal("event_shape", err.code)
  return err.text
end

describe("payload", function()
  it("names a place by its path, counting from 0", function()
    assert.equal("a: a text is expected", said(payload.text, {}, "a", ""))
    assert.equal("x.y.a: a text is expected",
      said(payload.text, { a = 1 }, "a", "x.y"))
    assert.equal("list[2].a: an object is expected",
      said(payload.map, { a = "" }, "a", { list = "list", at = 3 }))
  end)

  it("takes null, missing and empty for nothing, and no other type", function()
    for _, value in ipairs { json.null, "" } do
      assert.is_nil(payload.text_or_nil({ a = value }, "a", ""))
    end
    assert.is_nil(payload.text_or_nil({}, "a", ""))
    assert.equal("a: a text is expected",
      said(payload.text_or_nil, { a = false }, "a", ""))
    assert.same({}, payload.map_or_empty({ a = json.null }, "a", ""))
  end)

  it("takes whole numbers, in either form, and no others", function()
    assert.equal(7, payload.number({ a = 7.0 }, "a", ""))
    for _, value in ipairs { 7.5, -1, "7", json.null, 1 / 0 } do
      said(payload.number, { a = value }, "a", "")
    end
  end)

  it("tells a list from an object", function()
    assert.same({ 1 }, payload.list({ a = { 1 } }, "a", ""))
    assert.same({}, payload.list({ a = {} }, "a", ""))
    said(payload.list, { a = { b = 1 } }, "a", "")
    said(payload.map, { a = { 1 } }, "a", "")
    said(payload.object, json.null)
  end)

  it("repeats a line of foreign text and no half character", function()
    local text = said(payload.moment, { a = ("€"):rep(500) }, "a", "")
    assert.is_true(#text < 120)
    assert.is_truthy(utf8.len(text))
    text = said(payload.moment, { a = "one\ntwo\0" }, "a", "")
    assert.equal('a: "one two " is no RFC 3339 time', text)
    text = said(payload.text, {}, ("k"):rep(500), "")
    assert.is_true(#text < 120)
  end)
end)

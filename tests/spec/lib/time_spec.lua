package.path = "scripts/?.lua;tests/spec/?.lua;" .. package.path
require "support.json"
local time = require "lib.time"

describe("time", function()
  it("reads what Alertmanager, GitHub and ECS write", function()
    assert.equal(0, time.ms "1970-01-01T00:00:00Z")
    assert.equal(1772330584567, time.ms "2026-03-01T02:03:04.567891234Z")
    assert.equal(1772330584000, time.ms "2026-03-01T03:03:04+01:00")
    assert.equal(1772330584000, time.ms "2026-02-28T20:33:04-05:30")
    assert.equal(1772330584568, time.ms(1772330584.5678))
  end)

  it("gives integers, which ECS and CloudWatch Logs insist on", function()
    assert.equal("integer", math.type(time.ms(1772330584.5)))
    assert.equal("integer", math.type(time.ms "2026-03-01T02:03:04Z"))
  end)

  it("answers nothing for what is no moment", function()
    for _, text in ipairs { "", "yesterday", "2026-03-01", "2026-03-01T02:03",
                            "2026-03-01T02:03:04", "2026-03-01T02:03:04+1" } do
      assert.is_nil(time.ms(text), text)
    end
    assert.is_nil(time.ms(nil))
  end)

  it("writes back every day of four centuries", function()
    for day = -109500, 54750, 97 do
      local ms = day * 86400000 + 3723004
      assert.equal(ms, time.ms(time.text(ms)))
    end
    assert.equal("2000-02-29T00:00:00Z", time.text(951782400000))
  end)
end)

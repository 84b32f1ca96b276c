-- Moments and durations: RFC 3339 text, epoch seconds, integer milliseconds.
--
-- Alertmanager and GitHub write moments as text, ECS as seconds with a
-- fraction, CloudWatch Logs as milliseconds. Inside the scripts a moment is
-- integer milliseconds UTC, as in the engine; these functions convert at the
-- edges. All of it is arithmetic: there is no os.time here and no time zone.
-- It never reads a clock: now is ctx.now().

local DAY_MS = 86400000

local time = { SECOND = 1000, MINUTE = 60000, HOUR = 3600000 }

-- Days since 1970-01-01 of a civil date, and back (proleptic Gregorian). The
-- year begins in March, so that the leap day is its last day.
local function days_of(year, month, day)
  local y = month > 2 and year or year - 1
  local shifted = (month + 9) % 12
  local of_year = (153 * shifted + 2) // 5 + day - 1
  return 365 * y + y // 4 - y // 100 + y // 400 + of_year - 719468
end

local function date_of(days)
  local z = days + 719468
  local era = z // 146097
  local of_era = z - era * 146097
  local year = (of_era - of_era // 1460 + of_era // 36524
    - of_era // 146096) // 365
  local of_year = of_era - (365 * year + year // 4 - year // 100)
  local shifted = (5 * of_year + 2) // 153
  local month = (shifted + 2) % 12 + 1
  local day = of_year - (153 * shifted + 2) // 5 + 1
  return year + era * 400 + (month <= 2 and 1 or 0), month, day
end

local function offset_ms(zone)
  if zone == "Z" or zone == "z" then return 0 end
  local sign, hours, minutes = zone:match("^([+-])(%d%d):(%d%d)$")
  if not sign then return nil end
  local ms = (tonumber(hours) * 60 + tonumber(minutes)) * time.MINUTE
  return sign == "-" and -ms or ms
end

local function from_text(text)
  local year, month, day, rest =
    text:match("^(%d%d%d%d)%-(%d%d)%-(%d%d)[Tt ](.+)$")
  if not year then return nil end
  local hour, minute, second, tail = rest:match("^(%d%d):(%d%d):(%d%d)(.+)$")
  if not hour then return nil end
  local fraction = tail:match("^%.(%d+)") or ""
  local offset = offset_ms(tail:match("^%.?%d*(.+)$") or "")
  if not offset then return nil end
  local ms = tonumber((fraction .. "000"):sub(1, 3))
  local days = days_of(tonumber(year), tonumber(month), tonumber(day))
  return days * DAY_MS + tonumber(hour) * time.HOUR
    + tonumber(minute) * time.MINUTE + tonumber(second) * time.SECOND
    + ms - offset
end

-- Milliseconds of an RFC 3339 text or of epoch seconds; nil for anything else.
function time.ms(moment)
  if type(moment) == "string" then return from_text(moment) end
  if type(moment) ~= "number" then return nil end
  return math.tointeger((moment * 1000 + 0.5) // 1)
end

-- 2026-03-01T02:03:04Z; the fraction only when there is one.
function time.text(ms)
  local year, month, day = date_of(ms // DAY_MS)
  local rest = ms % DAY_MS
  local text = ("%04d-%02d-%02dT%02d:%02d:%02d"):format(year, month, day,
    rest // time.HOUR, rest // time.MINUTE % 60, rest // time.SECOND % 60)
  local fraction = rest % 1000
  return text .. (fraction > 0 and (".%03d"):format(fraction) or "") .. "Z"
end

-- How long, for people: "45s", "12m", "3h 5m".
function time.span(ms)
  local seconds = ms // time.SECOND
  if seconds < 120 then return seconds .. "s" end
  local minutes = seconds // 60
  if minutes < 120 then return minutes .. "m" end
  return (minutes // 60) .. "h " .. (minutes % 60) .. "m"
end

return time

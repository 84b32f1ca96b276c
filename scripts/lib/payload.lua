-- What a source takes out of a delivery: fields of a kind, or a refusal that
-- names the place.
--
-- A delivery comes from outside, so each field may be missing, null, of
-- another type or megabytes long. The functions here never index what is no
-- object and never mend what is odd: half an event would heal the wrong thing.
-- What was not understood is an error of code event_shape whose text begins
-- with the field's path, as the sender writes it; lists count from 0.
--
-- A place is the path of an object, "" for the body itself, or a cursor
-- { list = path, at = index }, whose text is made only for an error: a storm
-- of ten thousand alerts would otherwise spend its time on naming them.

local QUOTED = 60         -- bytes of a foreign text that an error repeats

-- The look of a moment. Whether there is such a day the engine decides, which
-- reads every moment that a source gives; this is here to name the field.
local MOMENT = "^%d%d%d%d%-%d%d%-%d%d[Tt ]%d%d:%d%d:%d%d%.?%d*[Zz+-][%d:]*$"

local payload = {}

-- On one line, and cut between two characters.
local function short(text)
  local plain = text:sub(1, QUOTED):gsub("%c", " ")
  if #text <= QUOTED then return plain end
  return plain:gsub("[\xC0-\xFF][\x80-\xBF]*$", "") .. "..."
end

local function path_of(place, name)
  if type(place) == "table" then
    place = ("%s[%d]"):format(place.list, place.at - 1)
  end
  if not name then return place end
  return (place == "" and "" or place .. ".") .. short(name)
end

function payload.refuse(place, name, text)
  error { code = "event_shape", text = path_of(place, name) .. ": " .. text }
end

-- Missing and null are the same to every sender that we know. The sandbox has
-- no userdata but json.null.
function payload.absent(value)
  return value == nil or value == json.null or type(value) == "userdata"
end

-- For an error, and never more of it than a line.
function payload.quoted(value)
  if payload.absent(value) then return "nothing" end
  if type(value) ~= "string" then return "a " .. type(value) end
  return '"' .. short(value) .. '"'
end

-- An empty list passes for an empty object: Lua cannot tell the two apart.
function payload.is_object(value)
  return type(value) == "table" and value ~= json.null and value[1] == nil
end

-- The body itself, or a member of a list.
function payload.object(value, place)
  if payload.is_object(value) then return value end
  error { code = "event_shape",
          text = (place and path_of(place) .. ": " or "")
            .. "an object is expected" }
end

function payload.text(map, name, place)
  local value = map[name]
  if type(value) ~= "string" or value == "" then
    payload.refuse(place, name, "a text is expected")
  end
  return value
end

-- Absent and empty are nil; another type is refused.
function payload.text_or_nil(map, name, place)
  local value = map[name]
  if payload.absent(value) or value == "" then return nil end
  return payload.text(map, name, place)
end

-- A count or an id: whole and not negative.
function payload.number(map, name, place)
  local value = map[name]
  local whole = type(value) == "number" and math.tointeger(value)
  if not whole or whole < 0 then
    payload.refuse(place, name, "a whole number is expected")
  end
  return whole
end

function payload.map(map, name, place)
  local value = map[name]
  if not payload.is_object(value) then
    payload.refuse(place, name, "an object is expected")
  end
  return value
end

-- An empty object where there is none, so that its fields may be asked for.
function payload.map_or_empty(map, name, place)
  if payload.absent(map[name]) then return {} end
  return payload.map(map, name, place)
end

function payload.list(map, name, place)
  local value = map[name]
  if type(value) ~= "table" or value == json.null
    or (value[1] == nil and next(value) ~= nil) then
    payload.refuse(place, name, "a list is expected")
  end
  return value
end

-- A whole map of texts: labels, annotations.
function payload.texts(map, name, place)
  local value = payload.map(map, name, place)
  for key, text in pairs(value) do
    if type(text) ~= "string" then
      payload.refuse(path_of(place, name), tostring(key), "a text is expected")
    end
  end
  return next(value) ~= nil and value or json.object {}
end

function payload.texts_or_empty(map, name, place)
  if payload.absent(map[name]) then return json.object {} end
  return payload.texts(map, name, place)
end

function payload.moment(map, name, place)
  local text = payload.text(map, name, place)
  if not text:find(MOMENT) then
    payload.refuse(place, name,
      payload.quoted(text) .. " is no RFC 3339 time")
  end
  return text
end

function payload.moment_or_nil(map, name, place)
  if payload.text_or_nil(map, name, place) == nil then return nil end
  return payload.moment(map, name, place)
end

-- firing or resolved, as Nightshift and Alertmanager call them.
function payload.status(map, name, place)
  local status = map[name]
  if status == "firing" or status == "resolved" then return status end
  status = payload.text(map, name, place)
  payload.refuse(place, name,
    payload.quoted(status) .. " is neither firing nor resolved")
end

-- "4" is not 4: a sender that changed the type changed more than that.
function payload.version(body, name, expected)
  if body[name] == expected then return end
  error { code = "event_version", text = ('%s: %s, expected "%s"')
    :format(name, payload.quoted(body[name]), expected) }
end

return payload

-- What all sources do with the occurrences that they made.
--
-- An occurrence may be in a delivery twice. The engine counts each once for a
-- delivery and takes the first for the whole truth, so which of the two it is
-- must be settled here: one that is firing and resolved is resolved, since the
-- same firing cannot begin again.

local occurrence = {}

-- A start that is not known is the end, which is another occurrence's.
local function name_of(one)
  return one.key .. "\0" .. (one.started_at or "\0" .. one.ended_at)
end

-- Gives the list without repeats, and how many there were.
function occurrence.once(list)
  local kept, places, repeats = json.array {}, {}, 0
  for _, one in ipairs(list) do
    local name = name_of(one)
    local at = places[name]
    if not at then
      kept[#kept + 1] = one
      places[name] = #kept
    else
      repeats = repeats + 1
      if one.status == "resolved" then kept[at] = one end
    end
  end
  return kept, repeats
end

return occurrence

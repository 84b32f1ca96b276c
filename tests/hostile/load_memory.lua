-- verdict: killed memory
-- Fills memory while it is loaded.

local t = {}
for i = 1, math.maxinteger do
  t[i] = { i }
end

return t

-- verdict: error script: has no function 'run'
-- Its run is a table that can be called.

return {
  about = "Hostile: load run callable.",
  run = setmetatable({}, { __call = function() end }),
}

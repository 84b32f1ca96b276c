-- verdict: error script: must return a table
-- Returns a function in the place of a table.

return function() end

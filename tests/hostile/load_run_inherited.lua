-- verdict: error script: has no function 'run'
-- Has its run only by inheritance, so that it could be another one each time.

return setmetatable({ about = "Hostile: load run inherited." }, {
  __index = function()
    return function()
      while true do end
    end
  end,
})

-- verdict: error script: near
-- Is no Lua.

return { run = function( }

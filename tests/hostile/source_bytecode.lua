-- verdict: error script: 
-- The bytes with which compiled code begins, in the middle of a source.

LuaT
return {}

-- Reads what the runs of a pool have claimed. Changes nothing.
--
-- KEYS  units
-- Returns { the time in ms, then pairs of a field and its value }

local t = redis.call('TIME')
local found = redis.call('HGETALL', KEYS[1])
table.insert(found, 1, string.format('%.0f', t[1] * 1000 + math.floor(t[2] / 1000)))
return found

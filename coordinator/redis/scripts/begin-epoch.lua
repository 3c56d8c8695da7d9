-- Begins a new epoch of the run, which deposes an earlier coordinator.
-- The new epoch is above every earlier one, including those that an emptied Redis has forgotten: it is the time, in ms.
--
-- KEYS  spec, coordinator
-- ARGV  spec, life of the keys in s
-- Returns { the new epoch, 1 if the run existed before }

local found = redis.call('EXISTS', KEYS[1])
redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2])
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local epoch = math.max(tonumber(redis.call('HGET', KEYS[2], 'epoch') or '0') + 1, now)
redis.call('HSET', KEYS[2], 'epoch', string.format('%.0f', epoch))
redis.call('HDEL', KEYS[2], 'look', 'told', 'at')
redis.call('EXPIRE', KEYS[2], ARGV[2])
return { epoch, found }

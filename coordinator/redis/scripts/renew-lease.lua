-- Renews the lease of a run.
--
-- KEYS  coordinator
-- ARGV  epoch, life of the lease in ms
-- Returns -1 if another coordinator has taken over, 0 if Redis lost the run, else 1

local epoch = redis.call('HGET', KEYS[1], 'epoch')
if not epoch then return 0 end
if tonumber(epoch) > tonumber(ARGV[1]) then return -1 end
local t = redis.call('TIME')
redis.call('HSET', KEYS[1], 'expires', t[1] * 1000 + math.floor(t[2] / 1000) + ARGV[2])
return 1

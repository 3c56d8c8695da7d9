-- Creates the run's keys and the coordinator's lease again after Redis has lost them.
--
-- KEYS  spec, coordinator
-- ARGV  spec, life of the keys in s, epoch, number of the last look, holder, life of the lease in ms
-- Returns 1, or 0 if another coordinator has taken over

if tonumber(redis.call('HGET', KEYS[2], 'epoch') or '0') > tonumber(ARGV[3]) then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2])
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
redis.call('HSET', KEYS[2], 'epoch', ARGV[3], 'look', ARGV[4], 'holder', ARGV[5], 'expires', now + ARGV[6])
redis.call('HDEL', KEYS[2], 'sent')
redis.call('EXPIRE', KEYS[2], ARGV[2])
return 1

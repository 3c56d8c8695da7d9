-- Stores the verdict of a generation and the time of its end, unless it has one.
--
-- KEYS  leader, verdicts
-- ARGV  epoch, generation, verdict, life of the keys in s
-- Returns -1 if another job has taken over, else the verdict that all jobs end with

if tonumber(redis.call('HGET', KEYS[1], 'epoch') or '0') > tonumber(ARGV[1]) then return -1 end
local t = redis.call('TIME')
redis.call('HSETNX', KEYS[2], ARGV[2], ARGV[3])
redis.call('HSETNX', KEYS[2], 'ended ' .. ARGV[2], t[1] * 1000 + math.floor(t[2] / 1000))
redis.call('EXPIRE', KEYS[2], ARGV[4])
return redis.call('HGET', KEYS[2], ARGV[2])

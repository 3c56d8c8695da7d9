-- Renews the lease of the job that leads, and writes it again if Redis has lost it.
--
-- KEYS  leader
-- ARGV  epoch, holder, life of the lease in ms, life of the key in s
-- Returns -1 if another job leads, else 1

local epoch = tonumber(redis.call('HGET', KEYS[1], 'epoch') or '0')
if epoch > tonumber(ARGV[1]) then return -1 end
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
redis.call('HSET', KEYS[1], 'epoch', ARGV[1], 'holder', ARGV[2], 'expires', now + ARGV[3])
redis.call('EXPIRE', KEYS[1], ARGV[4])
return 1

-- Claims the lease of a run, and begins a new epoch with it. The claim is granted if no coordinator holds the lease, or if the one that
-- holds it is gone and has not renewed it since the caller saw that.
-- The new epoch is above every earlier one, including those that an emptied Redis has forgotten: it is the time, in ms.
-- A claim that is sent again, because the connection lost its reply, gets the same answer.
--
-- KEYS  spec, coordinator
-- ARGV  spec, life of the keys in s, holder, life of the lease in ms, the renewal whose holder is gone ('' for none)
-- Returns { epoch, 1 if the run existed before }, or {} if another coordinator holds the lease

local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local lease = redis.call('HMGET', KEYS[2], 'epoch', 'holder', 'expires', 'found')
local epoch, holder, expires = lease[1] or '0', lease[2], lease[3] or '0'
if holder == ARGV[3] then return { epoch, lease[4] or '0' } end
if holder and epoch .. ' ' .. expires ~= ARGV[5] then return {} end

local found = redis.call('EXISTS', KEYS[1])
redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2])
epoch = string.format('%.0f', math.max(tonumber(epoch) + 1, now))
redis.call('HDEL', KEYS[2], 'look', 'sent', 'at')
redis.call('HSET', KEYS[2], 'epoch', epoch, 'holder', ARGV[3], 'expires', now + ARGV[4], 'found', found)
redis.call('EXPIRE', KEYS[2], ARGV[2])
return { epoch, found }

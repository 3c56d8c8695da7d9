-- Replaces what a run has claimed, unless something was written since the caller read it.
-- The version is the time in µs, so that none comes back after the key has expired.
--
-- KEYS  units
-- ARGV  the version that was read ('' for none), life of the key in ms, run, its entry ('' to remove it), the field of the version,
--       then the runs to remove
-- Returns 1 if it was written, else 0

if (redis.call('HGET', KEYS[1], ARGV[5]) or '') ~= ARGV[1] then return 0 end
for index = 6, #ARGV do redis.call('HDEL', KEYS[1], ARGV[index]) end
if ARGV[4] == '' then redis.call('HDEL', KEYS[1], ARGV[3])
else redis.call('HSET', KEYS[1], ARGV[3], ARGV[4]) end
local t = redis.call('TIME')
local version = math.max(tonumber(ARGV[1]) and tonumber(ARGV[1]) + 1 or 0, t[1] * 1000000 + t[2])
redis.call('HSET', KEYS[1], ARGV[5], string.format('%.0f', version))
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return 1

-- Creates the run's keys again after Redis has lost them.
--
-- KEYS  spec, coordinator
-- ARGV  spec, life of the keys in s, epoch, number of the last look
-- Returns 1, or 0 if another coordinator has taken over

if tonumber(redis.call('HGET', KEYS[2], 'epoch') or '0') > tonumber(ARGV[3]) then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2])
redis.call('HSET', KEYS[2], 'epoch', ARGV[3], 'look', ARGV[4])
redis.call('HDEL', KEYS[2], 'told')
redis.call('EXPIRE', KEYS[2], ARGV[2])
return 1

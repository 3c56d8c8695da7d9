-- Sends a command to every agent of the run.
-- A repeated command, whose first reply was lost with the connection, is sent to the agents only once.
--
-- KEYS  coordinator, control
-- ARGV  epoch, number of the command, command, life of the keys in s
-- Returns -1 if another coordinator has taken over, 0 if it was sent before or Redis lost the run, 1 if it is sent now

local epoch = redis.call('HGET', KEYS[1], 'epoch')
if not epoch then return 0 end
if tonumber(epoch) > tonumber(ARGV[1]) then return -1 end
if tonumber(redis.call('HGET', KEYS[1], 'sent') or '0') >= tonumber(ARGV[2]) then return 0 end
redis.call('HSET', KEYS[1], 'sent', ARGV[2])
redis.call('XADD', KEYS[2], '*', 'command', ARGV[3])
redis.call('EXPIRE', KEYS[1], ARGV[4])
redis.call('EXPIRE', KEYS[2], ARGV[4])
return 1

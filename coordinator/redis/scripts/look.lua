-- Looks at the run: does it exist, in which state, and which agents are alive. Renews the coordinator's lease, and the
-- lifetime of the keys that only a coordinator may write.
--
-- KEYS  spec, coordinator, agents, holding
-- ARGV  epoch, number of this look, life of the lease in ms, life of the keys in s
-- Returns { -1 } if another coordinator has taken over, { 0 } if the run is missing,
-- else { 1, the number of the previous look, 1 if the run is cancelled, then pairs of an agent and what it holds }

if tonumber(redis.call('HGET', KEYS[2], 'epoch') or '0') > tonumber(ARGV[1]) then return { -1 } end
if redis.call('EXISTS', KEYS[1]) == 0 then return { 0 } end
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local before = redis.call('HGET', KEYS[2], 'look') or '0'
redis.call('HSET', KEYS[2], 'epoch', ARGV[1], 'look', ARGV[2], 'at', now, 'expires', now + ARGV[3])
redis.call('EXPIRE', KEYS[1], ARGV[4])
redis.call('EXPIRE', KEYS[2], ARGV[4])
local found = { 1, before, redis.call('HGET', KEYS[2], 'cancelled') or '0' }
for _, agent in ipairs(redis.call('ZRANGEBYSCORE', KEYS[3], now, '+inf')) do
  found[#found + 1] = agent
  found[#found + 1] = redis.call('HGET', KEYS[4], agent) or ''
end
return found

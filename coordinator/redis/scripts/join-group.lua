-- Finds the generation of a group that this job belongs to. A retry begins the next generation once the present one has ended, or has
-- been left by everyone. A job that repeats the call, because the connection lost its reply, gets the same generation.
--
-- KEYS  generation, members, verdicts, leader
-- ARGV  place and token of the job ('' if unknown), its attempt (0 if unknown), 1 for a fresh retry, life of the keys in s
-- Returns { generation, its verdict or '', the verdict of the one before or '', 1 if a fresh retry began it }

local place, token, attempt = ARGV[1], ARGV[2], tonumber(ARGV[3])
local generation = tonumber(redis.call('GET', KEYS[1]) or '1')

local function field(name) return generation .. '/' .. name end

local isRetry = false
if place ~= '' and token ~= '' then
  local known = redis.call('HGET', KEYS[2], field('at ' .. place))
  isRetry = known and known ~= token
elseif attempt > 0 then
  isRetry = attempt > tonumber(redis.call('HGET', KEYS[2], field('attempt')) or attempt)
end

if isRetry then
  local t = redis.call('TIME')
  local isLed = tonumber(redis.call('HGET', KEYS[4], 'expires') or '0') > t[1] * 1000 + math.floor(t[2] / 1000)
  if redis.call('HEXISTS', KEYS[3], generation) == 1 or not isLed then
    generation = generation + 1
    redis.call('SET', KEYS[1], generation)
    if ARGV[4] == '1' then redis.call('HSET', KEYS[2], field('fresh'), 1) end
  end
end

if place ~= '' and token ~= '' then redis.call('HSET', KEYS[2], field('at ' .. place), token) end
redis.call('HSETNX', KEYS[2], field('attempt'), attempt)
redis.call('SETNX', KEYS[1], generation)
redis.call('EXPIRE', KEYS[1], ARGV[5])
redis.call('EXPIRE', KEYS[2], ARGV[5])
return {
  generation,
  redis.call('HGET', KEYS[3], generation) or '',
  redis.call('HGET', KEYS[3], generation - 1) or '',
  tonumber(redis.call('HGET', KEYS[2], field('fresh')) or '0'),
}

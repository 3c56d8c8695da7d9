-- Finds the generation of a group that this job belongs to. A retry begins the next generation once the present one has ended, or has
-- been left by everyone. It deletes what was kept of generations before the present one. A job that repeats the call, because the connection lost its reply, gets the same generation.
--
-- Without ids of a provider, only time distinguishes the next build from a late job of this one. Such a job begins the next generation if the
-- present one ended too long ago, or was left by everyone.
--
-- KEYS  generation, members, verdicts, leader
-- ARGV  place and token of the job ('' if unknown), its attempt (0 if unknown), 1 for a fresh retry, life of the keys in s,
--       age in ms from which it takes no verdict ('' for any age)
-- Returns { generation, its verdict or '', the verdict of the one before or '', 1 if a fresh retry began it, ms since its end or '' }

-- Longer than a job needs to take over from another one.
local LEFT_MS = 60000

local place, token, attempt = ARGV[1], ARGV[2], tonumber(ARGV[3])
local generation = tonumber(redis.call('GET', KEYS[1]) or '1')
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)

local function field(name) return generation .. '/' .. name end
local function sinceEnd() return now - tonumber(redis.call('HGET', KEYS[3], 'ended ' .. generation) or '0') end

-- A job can fail before it joins its first attempt. Then only its attempt number shows that it is a retry.
local isRetry = false
local known = place ~= '' and token ~= '' and redis.call('HGET', KEYS[2], field('at ' .. place))
if known then
  isRetry = known ~= token
elseif attempt > 0 then
  isRetry = attempt > tonumber(redis.call('HGET', KEYS[2], field('attempt')) or attempt)
end

local hasEnded = redis.call('HEXISTS', KEYS[3], generation) == 1
local heldUntil = tonumber(redis.call('HGET', KEYS[4], 'expires') or '0')
local begins = false
if isRetry then
  begins = hasEnded or heldUntil <= now
elseif ARGV[6] ~= '' and hasEnded then
  begins = sinceEnd() >= tonumber(ARGV[6])
elseif ARGV[6] ~= '' then
  local begun = tonumber(redis.call('HGET', KEYS[2], field('begun')) or now)
  begins = now - math.max(begun, heldUntil) > LEFT_MS
end

if begins then
  generation = generation + 1
  redis.call('SET', KEYS[1], generation)
  if ARGV[4] == '1' then redis.call('HSET', KEYS[2], field('fresh'), 1) end
  -- Only the generation before is read again: its verdict says what a retry runs.
  for _, name in ipairs(redis.call('HKEYS', KEYS[2])) do
    if tonumber(string.match(name, '^(%d+)/') or generation) < generation - 1 then redis.call('HDEL', KEYS[2], name) end
  end
  for _, name in ipairs(redis.call('HKEYS', KEYS[3])) do
    if tonumber(string.match(name, '^(%d+)$') or string.match(name, '^ended (%d+)$') or generation) < generation - 1 then
      redis.call('HDEL', KEYS[3], name)
    end
  end
end

if place ~= '' and token ~= '' then redis.call('HSET', KEYS[2], field('at ' .. place), token) end
redis.call('HSETNX', KEYS[2], field('attempt'), attempt)
redis.call('HSETNX', KEYS[2], field('begun'), now)
redis.call('SETNX', KEYS[1], generation)
redis.call('EXPIRE', KEYS[1], ARGV[5])
redis.call('EXPIRE', KEYS[2], ARGV[5])
local verdict = redis.call('HGET', KEYS[3], generation) or ''
return {
  generation,
  verdict,
  redis.call('HGET', KEYS[3], generation - 1) or '',
  tonumber(redis.call('HGET', KEYS[2], field('fresh')) or '0'),
  verdict == '' and '' or sinceEnd(),
}

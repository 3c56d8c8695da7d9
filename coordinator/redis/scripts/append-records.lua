-- Appends records to the log of a run. Only the opening of a run begins a log.
-- A repeated append, whose first reply was lost with the connection, adds nothing. A closed run has no epoch, and stores nothing.
--
-- KEYS  coordinator, log
-- ARGV  epoch, life of the keys in s, 1 if the first record opens a run, number of the first record, then text and position of each
-- Returns -1 if another coordinator has taken over, 0 if the log is incomplete or closed, 1 if the records are appended

local epoch = redis.call('HGET', KEYS[1], 'epoch')
if not epoch then
  redis.call('UNLINK', KEYS[2])
  return 0
end
if tonumber(epoch) > tonumber(ARGV[1]) then return -1 end
local first = tonumber(ARGV[4])
local last = redis.call('XREVRANGE', KEYS[2], '+', '-', 'COUNT', 1)[1]
local seq = 0
if last then seq = tonumber(string.match(last[1], '^%d+')) elseif ARGV[3] == '1' then seq = first - 1 end
local isRepeated = seq >= first and last[2][2] == ARGV[1]
if first ~= seq + 1 and not isRepeated then
  redis.call('UNLINK', KEYS[2])
  return 0
end
for i = 5, #ARGV, 2 do
  local number = first + (i - 5) / 2
  if number > seq then
    redis.call('XADD', KEYS[2], string.format('%.0f-0', number), 'epoch', ARGV[1], 'own', ARGV[i], 'position', ARGV[i + 1])
  end
end
redis.call('EXPIRE', KEYS[2], ARGV[2])
return 1

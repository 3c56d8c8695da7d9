-- Replaces the note of a run. A coordinator that another one has replaced, or that has closed the run, must not report progress.
--
-- KEYS  coordinator, note
-- ARGV  epoch, note, life of the note in s, whether the run is open for the writer (1 or 0)
-- Returns 1 if it was written, 0 if not

local epoch = redis.call('HGET', KEYS[1], 'epoch')
if epoch and tonumber(epoch) > tonumber(ARGV[1]) then return 0 end
if not epoch and ARGV[4] == '1' then return 0 end
redis.call('SET', KEYS[2], ARGV[2], 'EX', ARGV[3])
return 1

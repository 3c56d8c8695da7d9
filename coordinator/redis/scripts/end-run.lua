-- Deletes keys of the run, and with them the coordinator's key, which releases its lease.
--
-- KEYS  coordinator, keys to delete
-- ARGV  epoch
-- Returns -1 if another coordinator has taken over, else how many keys existed

if tonumber(redis.call('HGET', KEYS[1], 'epoch') or '0') > tonumber(ARGV[1]) then return -1 end
return redis.call('UNLINK', unpack(KEYS))

-- Asks the coordinator of a run to end it. It finds the request at its next look, and so does a coordinator that takes the run over.
--
-- KEYS  spec, coordinator
-- Returns 0 if the run is not open, else 1

if redis.call('EXISTS', KEYS[1], KEYS[2]) < 2 then return 0 end
redis.call('HSET', KEYS[2], 'cancelled', 1)
return 1

-- Looks at the lease of a run. Changes nothing.
--
-- KEYS  coordinator
-- Returns {} if no coordinator holds it, else { renewal, holder, for how many ms the lease is valid }

local lease = redis.call('HMGET', KEYS[1], 'epoch', 'holder', 'expires')
if not lease[2] then return {} end
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
return { lease[1] .. ' ' .. lease[3], lease[2], tonumber(lease[3]) - now }

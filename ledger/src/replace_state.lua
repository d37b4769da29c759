-- Puts an item's state in place of an expected one, after Redis was found to have lost some of its history. If the state
-- is another by now, nothing changes and it is the reply.

local state_key = KEYS[1]
local log_key = KEYS[2]
local price_key = KEYS[3]

local expected = ARGV[1] -- "": the item has no state
local state = ARGV[2]
local price = ARGV[3] -- decimal text
local rewrites_log = ARGV[4] == '1' -- then ids and records of the whole log follow, in turn

local found = redis.call('GET', state_key) or ''
if found ~= expected then
  return found
end
if rewrites_log then
  redis.call('DEL', log_key)
  for i = 5, #ARGV, 2 do
    redis.call('XADD', log_key, ARGV[i], 'r', ARGV[i + 1])
  end
end
redis.call('SET', state_key, state)
redis.call('SET', price_key, price)
return false

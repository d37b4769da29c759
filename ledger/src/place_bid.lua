-- Judges one bid, atomically. The only place that decides who leads.
--
-- A script has no rollback, so everything is checked before the first write. Numbers are doubles: amounts have at most
-- 15 digits, which are exact, and no number leaves through tostring, which keeps only 14.
--
-- The reply has one shape: a line "verdict reason state" with the item as it stands now, then for each event that came
-- of the bid a line "outbox-id record". It is one string because an array of as many costs a quarter of the whole call.
--
-- A bid with an idempotency key leaves a record when it is accepted, and a repetition gets the reply of then. Refused
-- bids leave none, so nobody can fill the memory with them. The records of an item's day share a hash, which expires when
-- the next day has passed: they live for one to two days, and no bid ever pays for deleting many.

local state_key = KEYS[1] -- string "epoch seq price bids time leader"; absent, or without a leader, before the first bid
local log_key = KEYS[2] -- stream of the item's events, ids <seq>-0
local outbox_key = KEYS[3] -- stream of the shard's events that PostgreSQL does not have yet
local epoch_key = KEYS[4] -- the shard's epoch
local keyed = KEYS[6] ~= nil -- then KEYS[5] and KEYS[6] are hashes "key user" -> "outbox-id bids record" of two days
local price_key = KEYS[keyed and 7 or 5] -- decimal price for readers by hand; absent in a cluster: it has another slot

local item = ARGV[1]
local amount = ARGV[2] -- minor units
local user = ARGV[3]
local event_id = ARGV[4]
local bid_id = ARGV[5]
local unlisted_allowed = ARGV[6] -- "1": an item without a state starts with its first bid
local now = ARGV[7] -- microseconds since 1970; "" except in tests: Redis TIME
local idempotency_key = ARGV[8] -- if keyed

local DAY = 86460000000 -- and a minute, so that a record lives for 24 hours at least, whatever a clock does at midnight

if #amount > 15 or not string.find(amount, '^[1-9]%d*$') then
  return redis.error_reply('BADBID the amount is not whole minor units')
end

local field, today
if keyed then
  if now == '' then
    local clock = redis.call('TIME')
    now = clock[1] .. string.format('%06d', clock[2])
  end
  today = math.floor(tonumber(now) / DAY)
  field = idempotency_key .. ' ' .. user
  for _, hash in ipairs({ KEYS[5], KEYS[6] }) do
    local stored = redis.call('HGET', hash, field)
    if stored then
      local outbox_id, bids, record = string.match(stored, '^(%S+) (%d+) (.+)$')
      local epoch, seq, time, offered = string.match(record, '^bid %S+ (%d+) (%d+) (%d+) %S+ %S+ %S+ (%d+)')
      -- Redis may be late to expire a hash.
      if math.floor(tonumber(time) / DAY) >= today - 1 then
        if offered ~= amount then
          return 'key_reused - 0 0 0 0 0 '
        end
        return 'repeated - ' .. epoch .. ' ' .. seq .. ' ' .. amount .. ' ' .. bids .. ' ' .. time .. ' ' .. user
          .. '\n' .. outbox_id .. ' ' .. record
      end
    end
  end
end

local epoch, seq, price, bids, time
local state = redis.call('GET', state_key)
if state then
  epoch, seq, price, bids, time = string.match(state, '^(%d+) (%d+) (%d+) (%d+) (%d+) %S*$')
  if not epoch then
    return redis.error_reply('CORRUPT the state of item ' .. item .. ' is unreadable')
  end
else
  epoch = redis.call('GET', epoch_key)
  if not epoch then
    return redis.error_reply('NOTOPEN the shard has no epoch')
  end
  if unlisted_allowed ~= '1' then
    return 'unknown_item - ' .. epoch .. ' 0 0 0 0 '
  end
  seq, price, bids, time = '0', '0', '0', '0'
  state = epoch .. ' 0 0 0 0 '
end

if tonumber(amount) <= tonumber(price) then
  return 'refused too_low ' .. state
end

if now == '' then
  local clock = redis.call('TIME')
  now = clock[1] .. string.format('%06d', clock[2])
end
if tonumber(now) < tonumber(time) then
  now = time
end
seq = string.format('%.0f', seq + 1)
bids = string.format('%.0f', bids + 1)

-- The log comes first: it refuses an id that is not above its last, and so guards what follows against a lost state.
local record = 'bid ' .. item .. ' ' .. epoch .. ' ' .. seq .. ' ' .. now .. ' ' .. event_id .. ' ' .. bid_id .. ' '
  .. user .. ' ' .. amount .. ' ' .. price
redis.call('XADD', log_key, seq .. '-0', 'r', record)
local outbox_id = redis.call('XADD', outbox_key, '*', 'r', record)
state = epoch .. ' ' .. seq .. ' ' .. amount .. ' ' .. bids .. ' ' .. now .. ' ' .. user
if price_key then
  local padded = #amount > 2 and amount or string.sub('00' .. amount, -3)
  redis.call('MSET', state_key, state, price_key, string.sub(padded, 1, -3) .. '.' .. string.sub(padded, -2))
else
  redis.call('SET', state_key, state)
end

if keyed then
  -- By the item's time, which never goes back: a hash has the records of one day only.
  local day = math.floor(tonumber(now) / DAY)
  local hash = KEYS[5 + day % 2]
  redis.call('HSET', hash, field, outbox_id .. ' ' .. bids .. ' ' .. record)
  redis.call('PEXPIRE', hash, string.format('%.0f', math.floor(((day + 2) * DAY - tonumber(now)) / 1000)))
end

return 'accepted - ' .. state .. '\n' .. outbox_id .. ' ' .. record

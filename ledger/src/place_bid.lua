-- Judges bids on one item, one after the other and all in one atomic step. The only place that decides who leads.
--
-- Bids that come at once share the cost of a call. Each is judged by what those before it left: what a bid comes to does
-- not depend on whether they were judged in the same call.
--
-- A script has no rollback, so everything about a bid is checked before its first write. Numbers are doubles: amounts have
-- at most 15 digits, which are exact, and no number leaves through tostring, which keeps only 14.
--
-- The reply has one shape: a judgement for each bid, with a blank line between two. A judgement is a line "verdict reason
-- state" with the item as it stands then, and for each event that came of the bid a line "outbox-id record"; or it is
-- "failed error" for a bid that changed nothing. It is one string because an array of as many costs a quarter of the whole
-- call. The loop has no functions: making them would cost a refused bid as much again.
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
local unlisted_allowed = ARGV[2] -- "1": an item without a state starts with its first bid
local now = ARGV[3] -- microseconds since 1970; "" except in tests: Redis TIME
local FIRST_BID, BID_LENGTH = 4, 5 -- of each bid: amount in minor units, user, event id, bid id, idempotency key or ""

local DAY = 86460000000 -- and a minute, so that a record lives for 24 hours at least, whatever a clock does at midnight

-- What an accepted bid under the same key makes of this one.
local known = keyed and function(amount, user, field)
  local today = math.floor(tonumber(now) / DAY)
  for i = 5, 6 do
    local stored = redis.call('HGET', KEYS[i], field)
    if stored then
      local outbox_id, bids, record = string.match(stored, '^(%S+) (%d+) (.+)$')
      local epoch, seq, time, offered = string.match(record or '', '^bid %S+ (%d+) (%d+) (%d+) %S+ %S+ %S+ (%d+)')
      if not time then
        return 'failed CORRUPT a record of item ' .. item .. ' is unreadable'
      end
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
local unjudged -- what every bid comes to that repeats none, where none can be judged
if state then
  epoch, seq, price, bids, time = string.match(state, '^(%d+) (%d+) (%d+) (%d+) (%d+) %S*$')
  unjudged = not epoch and 'failed CORRUPT the state of item ' .. item .. ' is unreadable'
else
  epoch = redis.call('GET', epoch_key)
  seq, price, bids, time = '0', '0', '0', '0'
  state = (epoch or '') .. ' 0 0 0 0 '
  if not epoch then
    unjudged = 'failed NOTOPEN the shard has no epoch'
  elseif unlisted_allowed ~= '1' then
    unjudged = 'unknown_item - ' .. state
  end
end

local judgements = {}
for i = FIRST_BID, #ARGV, BID_LENGTH do
  local amount, user, event_id, bid_id, key = ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[i + 3], ARGV[i + 4]
  local field = key ~= '' and key .. ' ' .. user
  local is_amount = #amount <= 15 and string.find(amount, '^[1-9]%d*$')
  local is_higher = is_amount and not unjudged and tonumber(amount) > tonumber(price)
  if now == '' and (field or is_higher) then
    local clock = redis.call('TIME')
    now = clock[1] .. string.format('%06d', clock[2])
  end

  local judgement = is_amount and field and known(amount, user, field)
  if judgement then -- as it was then
  elseif not is_amount then
    judgement = 'failed BADBID the amount is not whole minor units'
  elseif unjudged then
    judgement = unjudged
  elseif not is_higher then
    judgement = 'refused too_low ' .. state
  else
    local at = tonumber(now) < tonumber(time) and time or now
    local next_seq = string.format('%.0f', seq + 1)
    local record = 'bid ' .. item .. ' ' .. epoch .. ' ' .. next_seq .. ' ' .. at .. ' ' .. event_id .. ' ' .. bid_id .. ' '
      .. user .. ' ' .. amount .. ' ' .. price
    -- The log comes first: it refuses an id that is not above its last, and so guards what follows against a lost state.
    local logged = redis.pcall('XADD', log_key, next_seq .. '-0', 'r', record)
    if logged.err then
      judgement = 'failed ' .. logged.err
    else
      local outbox_id = redis.call('XADD', outbox_key, '*', 'r', record)
      seq, price, bids, time = next_seq, amount, string.format('%.0f', bids + 1), at
      state = epoch .. ' ' .. seq .. ' ' .. price .. ' ' .. bids .. ' ' .. time .. ' ' .. user
      if price_key then
        local padded = #amount > 2 and amount or string.sub('00' .. amount, -3)
        redis.call('MSET', state_key, state, price_key, string.sub(padded, 1, -3) .. '.' .. string.sub(padded, -2))
      else
        redis.call('SET', state_key, state)
      end
      if field then
        -- By the item's time, which never goes back: a hash has the records of one day only.
        local day = math.floor(tonumber(time) / DAY)
        local hash = KEYS[5 + day % 2]
        redis.call('HSET', hash, field, outbox_id .. ' ' .. bids .. ' ' .. record)
        redis.call('PEXPIRE', hash, string.format('%.0f', math.floor(((day + 2) * DAY - tonumber(time)) / 1000)))
      end
      judgement = 'accepted - ' .. state .. '\n' .. outbox_id .. ' ' .. record
    end
  end
  judgements[#judgements + 1] = judgement
end
return judgements[2] and table.concat(judgements, '\n\n') or judgements[1]

SELECT
    items.item_id,
    items.epoch,
    items.seq,
    (items.current_bid * 100)::bigint AS "price!",
    items.highest_bidder_id,
    items.bid_count,
    events.occurred_at AS "last_event_at!"
FROM items
JOIN events USING (item_id, epoch, seq)
WHERE items.item_id > $1
ORDER BY items.item_id
LIMIT $2

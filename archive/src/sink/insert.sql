-- Stores a batch of events with what follows from each: the bid's row, and the item's.
--
-- Every part reads what the part before it really inserted, so an event that stands already changes nothing, and the
-- events, bids and items of a batch are written in that order by every writer: none waits for another that waits for it.
-- Amounts come in minor units; a numeric product is exact, whatever the number of digits.
--
-- Once a later epoch has begun, an event of an earlier one is stored only if Redis is known to have it still.
WITH latest AS (
    SELECT COALESCE(max(epoch), 0) AS epoch FROM epochs
),
given AS (
    SELECT given.*
    FROM UNNEST(
        $1::text[], $2::bigint[], $3::bigint[], $4::text[], $5::uuid[], $6::timestamptz[], $7::text[],
        $8::uuid[], $9::text[], $10::bigint[], $11::bigint[], $12::boolean[]
    ) AS given (
        item_id, epoch, seq, kind, event_id, occurred_at, payload, bid_id, user_id, amount, previous_bid, in_log
    )
    JOIN latest ON given.epoch >= latest.epoch OR given.in_log
),
new_events AS (
    INSERT INTO events (item_id, epoch, seq, kind, event_id, occurred_at, payload)
    SELECT item_id, epoch, seq, kind, event_id, occurred_at, payload::json
    FROM given
    ORDER BY item_id COLLATE "C", epoch, seq
    -- Either unique key may be the one that is taken: which one is asked afterwards.
    ON CONFLICT DO NOTHING
    RETURNING item_id, epoch, seq, event_id
),
new_bids AS (
    -- No conflict is expected for an event that is new. A bid id used twice must fail, or a bid would go missing.
    INSERT INTO bids (bid_id, item_id, epoch, seq, user_id, amount, previous_bid, accepted_at)
    SELECT bid_id, item_id, epoch, seq, user_id, amount * 0.01, previous_bid * 0.01, occurred_at
    FROM given
    JOIN new_events USING (item_id, epoch, seq, event_id)
    RETURNING item_id, epoch, seq, user_id, amount
),
leaders AS (
    SELECT DISTINCT ON (item_id)
        item_id, epoch, seq, amount, user_id, count(*) OVER (PARTITION BY item_id) AS bid_count
    FROM new_bids
    ORDER BY item_id, epoch DESC, seq DESC
),
moved_items AS (
    INSERT INTO items AS item (item_id, epoch, seq, current_bid, highest_bidder_id, bid_count)
    SELECT item_id, epoch, seq, amount, user_id, bid_count
    FROM leaders
    ORDER BY item_id
    ON CONFLICT (item_id) DO UPDATE SET
        bid_count = item.bid_count + excluded.bid_count,
        updated_at = now(),
        -- The later of the two positions, with what belongs to it.
        (epoch, seq, current_bid, highest_bidder_id) = (
            SELECT later.*
            FROM (
                VALUES
                    (item.epoch, item.seq, item.current_bid, item.highest_bidder_id),
                    (excluded.epoch, excluded.seq, excluded.current_bid, excluded.highest_bidder_id)
            ) AS later (epoch, seq, current_bid, highest_bidder_id)
            ORDER BY later.epoch DESC, later.seq DESC
            LIMIT 1
        )
)
SELECT (SELECT count(*) FROM new_events) AS "archived!", (SELECT epoch FROM latest) AS "latest_epoch!"

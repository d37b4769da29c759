-- Where each item stands, by what is archived of it: one row for each item that was ever bid on.
--
-- Kept by the sink, so that readers need not add up the events. The position only moves forward, since events may
-- arrive in any order; bid_count counts the item's rows in bids, of all epochs.
CREATE TABLE items (
    item_id text COLLATE "C" PRIMARY KEY,
    epoch bigint NOT NULL,
    seq bigint NOT NULL,
    current_bid numeric(15, 2) NOT NULL CHECK (current_bid >= 0),
    highest_bidder_id text COLLATE "C",
    bid_count bigint NOT NULL CHECK (bid_count >= 0),
    updated_at timestamptz NOT NULL DEFAULT now()
)
-- Every bid updates a row of a hot item. Room in the page lets PostgreSQL do so without touching the index.
WITH (fillfactor = 70);

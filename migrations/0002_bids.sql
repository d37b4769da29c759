-- Every accepted bid, once: `SELECT count(*) FROM bids` counts them.
--
-- Amounts are in the major unit, for readers by hand. numeric(15,2) holds every amount that can be bid exactly; a
-- double would not.
CREATE TABLE bids (
    bid_id uuid PRIMARY KEY,
    -- Where its event stands. No foreign key: both rows come from one statement, and the check would double its cost.
    item_id text COLLATE "C" NOT NULL,
    epoch bigint NOT NULL,
    seq bigint NOT NULL,
    user_id text COLLATE "C" NOT NULL,
    amount numeric(15, 2) NOT NULL CHECK (amount > 0),
    -- Zero for the first bid on an item.
    previous_bid numeric(15, 2) NOT NULL CHECK (previous_bid >= 0),
    accepted_at timestamptz NOT NULL,
    UNIQUE (item_id, epoch, seq)
);

-- What a user has bid, the newest first.
CREATE INDEX bids_by_user ON bids (user_id, accepted_at DESC);

-- The epochs that Redis was given, each written before the first bid of it.
--
-- The events alone do not tell: bids of an epoch may have been accepted, and lost with Redis, before any was archived.
CREATE TABLE epochs (
    epoch bigint PRIMARY KEY CHECK (epoch > 0),
    begun_at timestamptz NOT NULL DEFAULT now()
);

-- Everything that happened, once.
--
-- An event stands at one position of its item. The second unique key makes an event id stand at one position only, so
-- that the same event under two positions is noticed instead of stored twice.
--
-- Ids are ASCII and are compared as bytes: the order is that of the writers, whatever the locale of the database, and
-- the index is smaller and faster to search than one with a locale's collation.
CREATE TABLE events (
    item_id text COLLATE "C" NOT NULL,
    -- Grows when Redis lost a part of the history. Positions compare as (epoch, seq).
    epoch bigint NOT NULL CHECK (epoch >= 0),
    seq bigint NOT NULL CHECK (seq > 0),
    kind text COLLATE "C" NOT NULL,
    event_id uuid NOT NULL UNIQUE,
    -- By the clock of Redis, which is the auction's.
    occurred_at timestamptz NOT NULL,
    -- The envelope as it travelled. json keeps its bytes; jsonb would reorder the fields and reformat the numbers.
    payload json NOT NULL,
    archived_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (item_id, epoch, seq)
);

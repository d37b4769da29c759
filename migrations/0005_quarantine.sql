-- What came and could not be archived, with its bytes and the reason: nothing that somebody was told is thrown away.
CREATE TABLE quarantine (
    quarantine_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    -- unreadable: not an event to the version that found it.
    -- rejected: PostgreSQL refuses what it holds.
    -- divergent: it contradicts what stands at its position, or its event id stands at another one.
    -- lost: Redis accepted it and lost it afterwards; its position was given to another event of a later epoch, or to none.
    reason text NOT NULL CHECK (reason IN ('unreadable', 'rejected', 'divergent', 'lost')),
    detail text NOT NULL,
    -- The outbox entry or the message.
    source text NOT NULL,
    item_id text COLLATE "C",
    epoch bigint,
    seq bigint,
    event_id uuid,
    payload bytea NOT NULL,
    found_at timestamptz NOT NULL DEFAULT now()
);

-- The same finding is made in every round of the reconciler, and is one row.
CREATE UNIQUE INDEX quarantine_once ON quarantine (reason, source, sha256(payload));

CREATE INDEX quarantine_by_item ON quarantine (item_id, epoch, seq);

INSERT INTO quarantine (reason, detail, source, item_id, epoch, seq, event_id, payload)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
ON CONFLICT (reason, source, sha256(payload)) DO NOTHING

SELECT payload::text AS "payload!"
FROM (
    SELECT epoch, seq, payload
    FROM events
    WHERE item_id = $1 AND (epoch, seq) <= ($2, $3)
    ORDER BY epoch DESC, seq DESC
    LIMIT $4
) AS last
ORDER BY epoch, seq

SELECT payload::text AS "payload!"
FROM events
WHERE item_id = $1
    AND kind = 'bid'
    AND (epoch, seq) > ($2, $3)
    AND (epoch, seq) < ($4, $5)
ORDER BY epoch, seq
LIMIT $6

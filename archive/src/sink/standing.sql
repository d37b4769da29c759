-- Which event stands at the position of each delivery, in the order of the deliveries.
SELECT events.event_id AS "event_id?"
FROM UNNEST($1::text[], $2::bigint[], $3::bigint[]) WITH ORDINALITY AS given (item_id, epoch, seq, number)
LEFT JOIN events USING (item_id, epoch, seq)
ORDER BY given.number

-- Which event stands at the position of each delivery, in the order of the deliveries.
--
-- A question for each row, not a join: a connection keeps its plan, which in a new database is made for an empty table, and
-- would read all events for every batch until the statistics of the table are renewed.
SELECT (
    SELECT event_id
    FROM events
    WHERE events.item_id = given.item_id AND events.epoch = given.epoch AND events.seq = given.seq
) AS "event_id?"
FROM UNNEST($1::text[], $2::bigint[], $3::bigint[]) WITH ORDINALITY AS given (item_id, epoch, seq, number)
ORDER BY given.number

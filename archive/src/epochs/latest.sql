-- From items and not from events: an item's position is its last, and there are far fewer items.
SELECT GREATEST((SELECT max(epoch) FROM epochs), (SELECT max(epoch) FROM items), 0) AS "epoch!"

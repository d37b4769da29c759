-- From items and not from events: an item's position is its last, and there are far fewer items.
INSERT INTO epochs (epoch)
SELECT GREATEST((SELECT max(epoch) FROM epochs), (SELECT max(epoch) FROM items), $1, 0) + 1
RETURNING epoch

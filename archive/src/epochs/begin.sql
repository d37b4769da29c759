INSERT INTO epochs (epoch)
SELECT GREATEST((SELECT max(epoch) FROM epochs), (SELECT max(epoch) FROM items), 0) + 1
RETURNING epoch

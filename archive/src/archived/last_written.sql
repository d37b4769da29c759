SELECT max(updated_at) FROM items

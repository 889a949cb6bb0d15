"""How each kind of JSON is written and read: one codec for each family of calls."""

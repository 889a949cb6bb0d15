"""How does search find records? An index, and filters as conditions on it."""

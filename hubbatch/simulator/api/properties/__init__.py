"""The properties API: properties, batches of them, and their groups."""

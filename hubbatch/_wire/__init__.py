"""How does HubSpot's API look? Calls, paths, and JSON in both directions."""

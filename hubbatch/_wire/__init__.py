"""What does HubSpot's API look like? Calls, paths, and JSON in both directions."""

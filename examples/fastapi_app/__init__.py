"""A small backend of tickets in HubSpot, for several accounts."""

"""Which rows would HubSpot refuse? Found before anything is sent."""

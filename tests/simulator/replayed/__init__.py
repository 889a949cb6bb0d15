"""The recordings of HubSpot's answers, replayed on the simulator."""

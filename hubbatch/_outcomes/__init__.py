"""What becomes of each input? From HubSpot's answers to one outcome per input."""

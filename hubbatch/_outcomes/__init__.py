"""What becomes of each input? From an answer of HubSpot to one outcome for each."""

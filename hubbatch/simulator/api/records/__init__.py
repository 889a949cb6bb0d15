"""How does HubSpot answer calls about records: batches, lists, single ones?"""

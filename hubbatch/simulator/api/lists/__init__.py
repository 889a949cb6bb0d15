"""How does HubSpot answer calls about lists and the records on them?"""

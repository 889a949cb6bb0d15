"""How does HubSpot answer calls about associations?"""

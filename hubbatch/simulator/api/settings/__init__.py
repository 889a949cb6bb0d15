"""How does HubSpot answer calls about the settings of an account?"""

"""Write to and read from HubSpot's CRM in batches of any length, from asyncio."""

__version__ = "0.1.0"

"""How does it run? The HTTP server, its program and its page."""

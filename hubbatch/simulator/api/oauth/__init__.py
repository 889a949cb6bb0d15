"""OAuth: codes and refresh tokens, what a token can do, and a page to install apps."""

"""A new user's programs, and the errors they meet."""

"""The parts of the shared rate limit."""

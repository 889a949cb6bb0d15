"""The parts of the rate limit that processes share through Redis."""

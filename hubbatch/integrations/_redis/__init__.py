"""What the limit that processes share is made of."""

"""What the door to Ray is made of; none of it imports Ray."""

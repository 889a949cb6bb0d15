"""What the dlt destination is made of; none of it imports dlt."""

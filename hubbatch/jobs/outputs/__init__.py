"""What does a job write? Results, failures and records that were read."""

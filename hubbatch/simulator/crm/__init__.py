"""What is in an account? Object types, properties, records, associations."""

"""What is particular to each family of calls: how inputs and answers are written."""

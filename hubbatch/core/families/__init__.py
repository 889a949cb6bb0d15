"""What is particular to each family of calls: how its inputs and answers are written."""

"""Rows and columns from anywhere: Arrow tables, column mappings, time zones."""

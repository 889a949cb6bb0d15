"""The schemas API: object types, their definitions and associations."""

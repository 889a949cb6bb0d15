"""Measures of the client; `python -m benchmarks` runs them all."""

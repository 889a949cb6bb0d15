"""Other people's clients, unchanged, against the simulator: `nox -s clients`.

These tests are apart from the others because what they need is large.
"""

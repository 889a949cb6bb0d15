"""Runs the commands that `hubbatch_entry` defines."""

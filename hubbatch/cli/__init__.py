"""Runs the commands that `hubbatch_entry` defines."""

import logging


# A command shows retries and errors itself, and a warning would break its progress bar.
logging.getLogger("hubbatch").addHandler(logging.NullHandler())

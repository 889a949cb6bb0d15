"""Identifiers of batches: their numbers in this process, and their trace ids."""

from base64 import b32encode
from itertools import count
from secrets import token_bytes


_numbers = count(1)
_TRACE_BYTES = 5  # random bytes: eight characters in base 32


def next_batch_number() -> int:
    """Return a number that no other batch of this process has."""
    return next(_numbers)


def trace_prefix() -> str:
    """Return a prefix for trace ids that no other batch of any process has."""
    return b32encode(token_bytes(_TRACE_BYTES)).decode()

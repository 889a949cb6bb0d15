"""Decides whether a chunk is sent again, and after how many seconds."""

from itertools import islice

from attrs import field
from backoff import expo

from hubbatch._classes import frozen
from hubbatch._limits.window import check_positive

from .verdicts import EndpointNotFound, Retryable, Throttled


@frozen
class RetryPolicy:
    """How often, and for how long, a chunk is sent again.

    The wait before retry n is random between 0 and `base * 2 ** (n - 1)` seconds, at
    most `max_delay` (full jitter), and at least HubSpot's Retry-After. A 429 does not
    count as an attempt, but the wait for it counts towards `max_elapsed`.

    Attributes:
        attempts: the maximum number of requests for a chunk, the first one included.
        base: the longest first wait, in seconds.
        max_delay: the longest wait of the exponential backoff, in seconds.
        max_elapsed: the seconds after which a chunk is not sent again, counted from
            when it was last taken from the queue.
        max_retry_after: the longest Retry-After that is honored, in seconds. If HubSpot
            asks for more, the chunk is given up.

    Raises:
        ConfigurationError: If a number is not above zero.
    """

    attempts: int = field(default=5, validator=check_positive)
    base: float = field(default=0.5, validator=check_positive)
    max_delay: float = field(default=30.0, validator=check_positive)
    max_elapsed: float = field(default=600.0, validator=check_positive)
    max_retry_after: float = field(default=120.0, validator=check_positive)


def next_wait(
    policy: RetryPolicy,
    verdict: Retryable | EndpointNotFound | Throttled,
    *,
    failures: int,
    retry: int,
    elapsed: float,
    draw: float,
) -> float | None:
    """Return the seconds to wait before the next attempt; None to give the chunk up.

    `failures` is the number of failed attempts so far, and `retry` that of the wait: a
    lost create's first lookup is a retry that follows no failed lookup. `elapsed` is
    the seconds since the chunk was taken from the queue, and `draw` a random number
    from 0 to 1: the share of the longest wait to take (full jitter).
    """
    at_least = getattr(verdict, "retry_after", 0.0)
    if at_least > policy.max_retry_after:
        return None
    if isinstance(verdict, Throttled):  # the gate holds all requests for that time
        return 0.0 if elapsed + at_least <= policy.max_elapsed else None
    if failures >= policy.attempts:
        return None
    wait = max(at_least, draw * longest_wait(policy, retry))
    return wait if elapsed + wait <= policy.max_elapsed else None


def longest_wait(policy: RetryPolicy, retry: int) -> float:
    """Return the longest wait before a retry, in seconds."""
    # backoff's generators first yield None, when they are started.
    waits = expo(factor=policy.base, max_value=policy.max_delay)
    return float(next(islice(waits, retry, None)))

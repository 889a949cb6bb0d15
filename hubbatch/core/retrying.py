"""Whether a chunk is sent again, and after how many seconds."""

from itertools import islice

from attrs import field, frozen
from backoff import expo

from hubbatch._limits.window import check_positive

from .verdicts import EndpointNotFound, Retryable, Throttled


@frozen
class RetryPolicy:
    """How often, and for how long, a chunk is sent again.

    Seconds, except `attempts`, which counts requests. A wait is drawn between zero
    and `base`, then twice as much, and so on up to `max_delay`, and never shorter
    than HubSpot's Retry-After, unless that is above `max_retry_after`: then the chunk
    is given up. Waiting for the rate limit uses up `max_elapsed`, not attempts.

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
    elapsed: float,
    draw: float,
) -> float | None:
    """Return the seconds to wait before the next attempt; None to give the chunk up.

    `failures` counts the failed attempts so far, and `elapsed` the seconds since the
    first one began. `draw` is a random number from 0 to 1: the share of the longest
    wait to take (full jitter).
    """
    at_least = getattr(verdict, "retry_after", 0.0)
    if at_least > policy.max_retry_after:
        return None
    if isinstance(verdict, Throttled):  # the gate holds back all requests meanwhile
        return 0.0 if elapsed + at_least <= policy.max_elapsed else None
    if failures >= policy.attempts:
        return None
    wait = max(at_least, draw * _longest_wait(policy, failures))
    return wait if elapsed + wait <= policy.max_elapsed else None


def _longest_wait(policy: RetryPolicy, failures: int) -> float:
    # backoff's generators yield None first, to be started.
    waits = expo(factor=policy.base, max_value=policy.max_delay)
    return float(next(islice(waits, max(failures, 1), None)))

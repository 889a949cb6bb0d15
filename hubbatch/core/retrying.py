"""Whether a chunk goes out again, and when: arithmetic, nothing is slept here."""

from collections.abc import Callable, Generator

from attrs import field, frozen
from backoff import expo

from hubbatch._limits.window import check_positive

from .verdicts import Again, Missing, Throttled, Verdict


@frozen
class RetryPolicy:
    """How often, and for how long, a chunk is sent again.

    Seconds, except `attempts`, which counts requests. A wait is drawn between zero
    and `base`, then twice as much, and so on up to `max_delay`, and never shorter
    than HubSpot's Retry-After, unless that is above `max_retry_after`: then the chunk
    is given up. Waiting for the rate limit uses up `max_elapsed`, not attempts.

    Raises:
        ConfigurationError: for a number that is not above zero.
    """

    attempts: int = field(default=5, validator=check_positive)
    base: float = field(default=0.5, validator=check_positive)
    max_delay: float = field(default=30.0, validator=check_positive)
    max_elapsed: float = field(default=600.0, validator=check_positive)
    max_retry_after: float = field(default=120.0, validator=check_positive)


def waits(
    policy: RetryPolicy, jitter: Callable[[float], float], *, spent: int = 1
) -> Generator[float, tuple[Verdict, float], None]:
    """Yield how many seconds to wait before each attempt; end when it is given up.

    It is sent what became of the attempt and the seconds since the first one began.
    `jitter` draws from zero up to its argument. `spent` counts the attempts that the
    first verdict ends: none, if it was about another request.
    """
    ceilings = expo(factor=policy.base, max_value=policy.max_delay)
    next(ceilings)  # backoff's generators want to be started
    wait = 0.0
    attempt = spent
    while True:
        verdict, elapsed = yield wait
        match verdict:
            case Throttled():
                hold = verdict.retry_after
                if hold > policy.max_retry_after or elapsed + hold > policy.max_elapsed:
                    return
                wait = 0.0  # the gate holds everybody
            case Again() | Missing():
                attempt += 1
                at_least = getattr(verdict, "retry_after", 0.0)
                if attempt > policy.attempts or at_least > policy.max_retry_after:
                    return
                wait = max(at_least, jitter(next(ceilings)))
            case _:
                return
        if elapsed + wait > policy.max_elapsed:
            return

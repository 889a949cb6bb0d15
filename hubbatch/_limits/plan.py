"""The forecast of a batch: its calls, its duration, its share of the daily limit."""

from attrs import frozen

from .window import LAG, RateLimit


@frozen
class Plan:
    """The cost of a batch if HubSpot refuses no record and nothing is sent twice.

    Attributes:
        calls: How many requests it needs.
        seconds: The seconds until the last request can leave, if the whole limit is
            free.
        share_of_day: The share of the account's daily calls (1.0 is all of them; it can
            be more); None if HubSpot reports no daily limit.
    """

    calls: int
    seconds: float
    share_of_day: float | None


def plan(count: int, max_inputs: int, limit: RateLimit, daily: int | None) -> Plan:
    """Forecast a batch of `count` inputs, with up to `max_inputs` in each call."""
    calls = -(-count // max_inputs)
    return Plan(calls, _seconds(calls, limit), calls / daily if daily else None)


def _seconds(calls: int, limit: RateLimit) -> float:
    """Return when the last call leaves: a burst, then evenly, then the next window."""
    windows, last = divmod(max(0, calls - 1), limit.max_requests)
    interval = limit.interval + LAG
    burst = min(limit.burst, limit.max_requests)
    beyond = max(0, last + 1 - burst)
    spread = interval / (limit.max_requests - burst + 1)
    return windows * interval + beyond * spread

"""The forecast of a batch: its calls, its duration, its share of the daily limit."""

from hubbatch._classes import frozen

from .window import LAG, RateLimit


# What HubSpot usually takes to answer, for each record of a call. Recorded answers: 50
# companies or custom objects in 0.12 to 0.21 s, 10 contacts in 0.26 to 0.50 s.
_SECONDS_A_RECORD = 0.003
_SECONDS_A_CONTACT = 0.033
_CONTACTS = ("contacts", "0-1")


@frozen
class Plan:
    """The cost of a batch if HubSpot refuses no record and nothing is sent twice.

    Attributes:
        calls: How many requests it needs.
        seconds: The seconds until the last answer, if the whole limit is free and
            HubSpot takes as long as usual: about 3 s for 100 contacts, and a tenth of
            that for 100 records of other types.
        share_of_day: The share of the account's daily calls (1.0 is all of them; it can
            be more); None if HubSpot reports no daily limit.
    """

    calls: int
    seconds: float
    share_of_day: float | None


def plan(
    count: int,
    max_inputs: int,
    limit: RateLimit,
    daily: int | None,
    *,
    object_type: str | None,
    concurrency: int,
) -> Plan:
    """Forecast a batch of `count` inputs, with up to `max_inputs` in each call.

    At most `concurrency` of the calls are in flight at a time.
    """
    calls = -(-count // max_inputs)
    latency = usual_latency(object_type, min(count, max_inputs))
    rounds = max(0, calls - 1) // concurrency
    seconds = max(_seconds(calls, limit), rounds * latency) + latency
    return Plan(calls, seconds, calls / daily if daily else None)


def usual_latency(object_type: str | None, records: int) -> float:
    """Return the seconds that HubSpot usually takes to answer a call."""
    is_slow = object_type in _CONTACTS
    return records * (_SECONDS_A_CONTACT if is_slow else _SECONDS_A_RECORD)


def _seconds(calls: int, limit: RateLimit) -> float:
    """Return when the last call leaves: a burst, then evenly, then the next window."""
    windows, last = divmod(max(0, calls - 1), limit.max_requests)
    interval = limit.interval + LAG
    burst = min(limit.burst, limit.max_requests)
    beyond = max(0, last + 1 - burst)
    spread = interval / (limit.max_requests - burst + 1)
    return windows * interval + beyond * spread

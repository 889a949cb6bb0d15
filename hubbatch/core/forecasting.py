"""What a job will take, before it is begun."""

from collections.abc import Mapping

from attrs import frozen

from .arguments import check_object_type
from .operations import OBJECT_CALLS, Call
from .pacing import LAG, RateLimit


@frozen
class Plan:
    """What a batch takes if no record is refused and nothing is sent again.

    Attributes:
        calls: how many requests it needs.
        seconds: until the last of them can leave, if the whole limit is free.
        share_of_day: which part of the account's day they are, from 0 to 1 and above;
            None where HubSpot does not tell a daily limit.
    """

    calls: int
    seconds: float
    share_of_day: float | None


def named_call(operation: str) -> Call:
    """Look up what an operation's name means, e.g. `tickets.update`.

    Raises:
        ValueError: if it is not an object type and a verb of it.
    """
    calls: Mapping[str, Call] = {call.verb: call for call in OBJECT_CALLS.values()}
    object_type, _, verb = str(operation).rpartition(".")
    if verb not in calls:
        raise ValueError(
            "operation must be an object type and a verb, such as 'tickets.update', "
            f"not {operation!r}; the verbs are {', '.join(calls)}"
        )
    check_object_type(object_type)
    return calls[verb]


def plan(count: int, max_inputs: int, limit: RateLimit, daily: int | None) -> Plan:
    """Forecast a batch of `count` inputs, `max_inputs` of them a call."""
    calls = -(-count // max_inputs)
    return Plan(calls, _seconds(calls, limit), calls / daily if daily else None)


def _seconds(calls: int, limit: RateLimit) -> float:
    """Say when the last of so many calls leaves: a burst, then evenly, then anew."""
    windows, last = divmod(max(0, calls - 1), limit.max_requests)
    interval = limit.interval + LAG
    burst = min(limit.burst, limit.max_requests)
    beyond = max(0, last + 1 - burst)
    spread = interval / (limit.max_requests - burst + 1)
    return windows * interval + beyond * spread

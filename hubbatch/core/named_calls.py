"""Operations by name, e.g. `tickets.update`."""

from collections.abc import Mapping

from .arguments import check_object_type
from .operations import OBJECT_CALLS, Call


def named_call(operation: str) -> Call:
    """Return the call that an operation's name means, e.g. `tickets.update`.

    Raises:
        ValueError: If it is not an object type and a verb of it.
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

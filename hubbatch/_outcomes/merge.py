"""Merges the answers of several requests into one response."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

from attrs import fields

from hubbatch.models import BatchResponse, R, StandardError


# In ascending order of the attention they need. An unlisted status, which HubSpot has
# added since, ranks above all of them.
_RANKS = {"COMPLETE": 0, "PENDING": 1, "PROCESSING": 2, "CANCELED": 3}


def merge(parts: Iterable[BatchResponse[R]]) -> BatchResponse[R]:
    """Merge partial responses into one; without parts, return an empty response.

    The merged response has the greatest `status` (COMPLETE < PENDING < PROCESSING <
    CANCELED), all `results` in order, the sum of `num_errors`, the distinct `errors`,
    all `links` (of two with the same name, the smaller), the earliest `requested_at`
    and `started_at`, and the latest `completed_at`.

    The operation is associative, and the empty response is its identity.
    """
    merged: BatchResponse[R] = BatchResponse()
    errors: list[StandardError] = []
    for part in parts:
        absorb_envelope(merged, part)
        merged.results.extend(part.results)
        errors.extend(part.errors)
    merged.errors = union(errors)
    return merged


def absorb_envelope(merged: BatchResponse[Any], part: BatchResponse[Any]) -> None:
    """Merge a part into a response in place, except its results and errors."""
    if part.status != merged.status:
        merged.status = max(merged.status, part.status, key=_rank)
    merged.num_errors += part.num_errors
    merged.requested_at = _pick(min, merged.requested_at, part.requested_at)
    merged.started_at = _pick(min, merged.started_at, part.started_at)
    merged.completed_at = _pick(max, merged.completed_at, part.completed_at)
    # Keep the smaller of two links with one name: the order of the parts is arbitrary.
    for name, link in part.links.items():
        merged.links[name] = min(link, merged.links.get(name, link))


def union(errors: Iterable[StandardError]) -> list[StandardError]:
    """Return the distinct errors, in the order of their first occurrence."""
    distinct: dict[object, StandardError] = {}
    for error in errors:
        distinct.setdefault(identity(error), error)
    return [*distinct.values()]


def _rank(status: str) -> tuple[int, str]:
    return _RANKS.get(status, len(_RANKS)), status


def _pick(
    choose: Callable[[datetime, datetime], datetime],
    left: datetime | None,
    right: datetime | None,
) -> datetime | None:
    return choose(left, right) if left and right else left or right


def identity(error: StandardError) -> object:
    """Return a hashable value that is equal for equal errors.

    An error itself is not hashable: its context holds lists and mappings.
    """
    return tuple(
        _hashable(getattr(error, attribute.name)) for attribute in fields(StandardError)
    )


def _hashable(value: Any) -> object:
    if isinstance(value, Mapping):
        return frozenset((name, _hashable(item)) for name, item in value.items())
    if isinstance(value, list | tuple):
        return tuple(_hashable(item) for item in value)
    if hasattr(type(value), "__attrs_attrs__"):
        names = [attribute.name for attribute in fields(type(value))]
        return tuple(_hashable(getattr(value, name)) for name in names)
    return value

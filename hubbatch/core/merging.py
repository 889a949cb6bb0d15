"""Several answers of HubSpot as one."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

from attrs import fields

from hubbatch.models import BatchResponse, R, StandardError


# From "done" to "given up"; a word that HubSpot adds later stands above all of them.
_RANKS = {"COMPLETE": 0, "PENDING": 1, "PROCESSING": 2, "CANCELED": 3}


def merge(parts: Iterable[BatchResponse[R]]) -> BatchResponse[R]:
    """Fold partial responses into one.

    The greatest status, all results, the sum of `num_errors`, the union of `errors`
    and `links`, the earliest start and the latest end. The empty response is its unit,
    and it does not matter how the parts are grouped.
    """
    merged: BatchResponse[R] = BatchResponse()
    every: list[StandardError] = []
    for part in parts:
        absorb_envelope(merged, part)
        merged.results.extend(part.results)
        every.extend(part.errors)
    merged.errors = union(every)
    return merged


def absorb_envelope(merged: BatchResponse[Any], part: BatchResponse[Any]) -> None:
    """Add all of a part but its results and its errors."""
    if part.status != merged.status:
        merged.status = max(merged.status, part.status, key=_rank)
    merged.num_errors += part.num_errors
    merged.requested_at = _pick(min, merged.requested_at, part.requested_at)
    merged.started_at = _pick(min, merged.started_at, part.started_at)
    merged.completed_at = _pick(max, merged.completed_at, part.completed_at)
    # Of two links by one name the smaller stays, whichever part came first.
    for name, link in part.links.items():
        merged.links[name] = min(link, merged.links.get(name, link))


def union(errors: Iterable[StandardError]) -> list[StandardError]:
    """Keep the first of each error, in order."""
    distinct: dict[object, StandardError] = {}
    for error in errors:
        distinct.setdefault(identity(error), error)
    return [*distinct.values()]


def _rank(status: str) -> tuple[int, str]:
    return _RANKS.get(status, len(_RANKS)), status


def _pick(
    choose: Callable[[datetime, datetime], datetime],
    one: datetime | None,
    other: datetime | None,
) -> datetime | None:
    return choose(one, other) if one and other else one or other


def identity(error: StandardError) -> object:
    """Make equal errors equal as keys of a set, lists and mappings in them included."""
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

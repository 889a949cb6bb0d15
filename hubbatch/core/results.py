"""The records of an answer, read a column at a time.

cattrs would spend most of its time on the properties' mapping of texts, which is kept
as it is. Nearly all answers have records that look like one another: then their
fields are known to be what they should be a hundred at a time, which takes two thirds
of what it takes one by one. Any other answer is read record by record.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from itertools import repeat
from operator import attrgetter, countOf, itemgetter
from typing import Any

from hubbatch.models import SimplePublicObject, SimplePublicUpsertObject

from .codec import mapping_of, read_datetime, read_histories, text_id


class _Unusual(Exception):
    """An answer with something in it that has to be looked at by itself."""


_PROBLEMS = (_Unusual, AttributeError, LookupError, TypeError, ValueError)
_NONE = repeat(None)
_zone_of = attrgetter("tzinfo")


def structure_objects(results: Sequence[Any]) -> list[SimplePublicObject]:
    """Read the records of an answer.

    Raises:
        LookupError, TypeError, AttributeError: if one is no record.
    """
    try:
        *columns, _ = _columns(results)
        return [*map(SimplePublicObject, *columns)]
    except _PROBLEMS:
        return [*map(structure_object, results)]


def structure_upsert_objects(results: Sequence[Any]) -> list[SimplePublicUpsertObject]:
    """Read the records of an upsert's answer.

    Raises:
        LookupError, TypeError, AttributeError: if one is no record.
    """
    try:
        return [*map(SimplePublicUpsertObject, *_columns(results))]
    except _PROBLEMS:
        return [*map(structure_upsert_object, results)]


def structure_object(raw: Mapping[str, Any]) -> SimplePublicObject:
    """Read one record."""
    return SimplePublicObject(*_fields(raw))


def structure_upsert_object(raw: Mapping[str, Any]) -> SimplePublicUpsertObject:
    """Read one record of an upsert's answer."""
    return SimplePublicUpsertObject(*_fields(raw), raw.get("new"))  # type: ignore[call-arg] # mypy does not count fields behind a star


def _columns(results: Sequence[Any]) -> tuple[Iterable[Any], ...]:
    """Give the fields of records that have the same, in the order of the class.

    Raises:
        _Unusual, AttributeError, LookupError, TypeError, ValueError: if it is not all
            plain to see.
    """
    names = [*results[0]]
    _check(countOf(map(len, results), len(names)) == len(results))
    rows = map(itemgetter(*names), results)
    column = dict(zip(names, zip(*rows, strict=True), strict=True))
    _check("propertiesWithHistory" not in column)
    _check(countOf(map(type, column["id"]), str) == len(results))
    _check(countOf(map(type, column["properties"]), dict) == len(results))
    return (
        column["id"],
        column["properties"],
        _datetimes(column.get("createdAt")),
        _datetimes(column.get("updatedAt")),
        column.get("archived", _NONE),
        _datetimes(column.get("archivedAt")),
        _NONE,
        column.get("objectWriteTraceId", _NONE),
        column.get("url", _NONE),
        column.get("warnings", _NONE),
        column.get("new", _NONE),
    )


def _datetimes(texts: Sequence[str] | None) -> Iterable[datetime | None]:
    if texts is None:
        return _NONE
    values = [*map(datetime.fromisoformat, texts)]
    _check(countOf(map(_zone_of, values), UTC) == len(values))
    return values


def _check(usual: bool) -> None:  # noqa: FBT001 -- as an assertion has it
    if not usual:
        raise _Unusual


def _fields(raw: Mapping[str, Any]) -> tuple[Any, ...]:
    get = raw.get
    record_id, properties = raw["id"], get("properties")
    archived_at, history = get("archivedAt"), get("propertiesWithHistory")
    return (
        text_id(record_id),
        {} if properties is None else mapping_of(properties),
        read_datetime(get("createdAt")),
        read_datetime(get("updatedAt")),
        get("archived"),
        None if archived_at is None else read_datetime(archived_at),
        None if history is None else read_histories(history),
        get("objectWriteTraceId"),
        get("url"),
        get("warnings"),
    )

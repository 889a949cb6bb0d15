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

from .codec import (
    UNREADABLE,
    each,
    flag,
    listed_warnings,
    mapping_of,
    optional_text,
    read_datetime,
    read_histories,
    text_id,
)


class _Unusual(Exception):
    """An answer with something in it that has to be looked at by itself."""


_PROBLEMS = (_Unusual, *UNREADABLE)
_NONE = repeat(None)
# What the fields are in an answer of the usual kind.
_KINDS: Mapping[str, type] = {
    **dict.fromkeys(("id", "objectWriteTraceId", "url"), str),
    **dict.fromkeys(("archived", "new"), bool),
    "properties": dict,
    "warnings": list,
}
_zone_of = attrgetter("tzinfo")


def structure_objects(results: Sequence[Any]) -> list[SimplePublicObject | None]:
    """Read the records of an answer, with None for each that cannot be read."""
    try:
        *columns, _ = _columns(results)
        return [*map(SimplePublicObject, *columns)]
    except _PROBLEMS:
        return _objects(results)


def structure_all_objects(results: Sequence[Any]) -> list[SimplePublicObject]:
    """Read records of which none may be left out.

    Raises:
        ValueError: if one is no record.
    """
    records = [record for record in structure_objects(results) if record is not None]
    if len(records) < len(results):
        raise ValueError("a record that cannot be read")
    return records


def structure_upsert_objects(
    results: Sequence[Any],
) -> list[SimplePublicUpsertObject | None]:
    """Read the records of an upsert's answer, with None for what cannot be read."""
    try:
        return [*map(SimplePublicUpsertObject, *_columns(results))]
    except _PROBLEMS:
        return _upsert_objects(results)


def structure_object(raw: Mapping[str, Any]) -> SimplePublicObject:
    """Read one record."""
    return SimplePublicObject(*_fields(raw))


def structure_upsert_object(raw: Mapping[str, Any]) -> SimplePublicUpsertObject:
    """Read one record of an upsert's answer."""
    return SimplePublicUpsertObject(*_fields(raw), flag(raw.get("new")))  # type: ignore[call-arg] # mypy does not count fields behind a star


_objects = each(structure_object)
_upsert_objects = each(structure_upsert_object)


def _columns(results: Sequence[Any]) -> tuple[Iterable[Any], ...]:
    """Give the fields of records that have the same, in the order of the class.

    Raises:
        _Unusual, AttributeError, LookupError, TypeError, ValueError: if it is not all
            plain to see.
    """
    names, count = [*results[0]], len(results)
    _check(countOf(map(len, results), len(names)) == count)
    rows = map(itemgetter(*names), results)
    column = dict(zip(names, zip(*rows, strict=True), strict=True))
    _check("propertiesWithHistory" not in column)
    for name, kind in _KINDS.items():
        if name in column and countOf(map(type, column[name]), kind) != count:
            raise _Unusual
    _check("warnings" not in column or not any(column["warnings"]))
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
    warnings = get("warnings")
    return (
        text_id(record_id),
        {} if properties is None else mapping_of(properties),
        read_datetime(get("createdAt")),
        read_datetime(get("updatedAt")),
        flag(get("archived")),
        None if archived_at is None else read_datetime(archived_at),
        None if history is None else read_histories(history),
        optional_text(get("objectWriteTraceId")),
        optional_text(get("url")),
        None if warnings is None else listed_warnings(warnings),
    )

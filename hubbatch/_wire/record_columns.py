"""Reads the records of an answer a column at a time.

The properties of a record stay the mapping of strings that orjson returns; cattrs would
spend most of its time on them. The records of nearly all answers have the same fields.
Checking each field of a hundred records at once takes two thirds of the time of
checking one record after the other. Other answers are read record by record.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from itertools import repeat
from operator import attrgetter, countOf, itemgetter
from typing import Any

from hubbatch.models import SimplePublicObject, SimplePublicUpsertObject

from .records import (
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
    """The answer must be read record by record."""


_PROBLEMS = (_Unusual, *UNREADABLE)
_NONE = repeat(None)
# The types of the fields in an answer that can be read by columns.
_KINDS: Mapping[str, type] = {
    **dict.fromkeys(("id", "objectWriteTraceId", "url"), str),
    **dict.fromkeys(("archived", "new"), bool),
    "properties": dict,
    "warnings": list,
}
_zone_of = attrgetter("tzinfo")


def structure_objects(results: Sequence[Any]) -> list[SimplePublicObject | None]:
    """Return the records of an answer, with None for each that cannot be read."""
    try:
        *columns, _ = _columns(results)
        return [*map(SimplePublicObject, *columns)]
    except _PROBLEMS:
        return _objects(results)


def structure_all_objects(results: Sequence[Any]) -> list[SimplePublicObject]:
    """Return the records of an answer.

    Raises:
        ValueError: If any of them cannot be read.
    """
    records = [record for record in structure_objects(results) if record is not None]
    if len(records) < len(results):
        raise ValueError("a record cannot be read")
    return records


def structure_upsert_objects(
    results: Sequence[Any],
) -> list[SimplePublicUpsertObject | None]:
    """Return the records of an upsert's answer, with None for each unreadable one."""
    try:
        return [*map(SimplePublicUpsertObject, *_columns(results))]
    except _PROBLEMS:
        return _upsert_objects(results)


def structure_object(raw: Mapping[str, Any]) -> SimplePublicObject:
    """Return one record."""
    return SimplePublicObject(*_fields(raw))


def structure_upsert_object(raw: Mapping[str, Any]) -> SimplePublicUpsertObject:
    """Return one record of an upsert's answer."""
    return SimplePublicUpsertObject(*_fields(raw), flag(raw.get("new")))  # type: ignore[call-arg] # mypy does not count fields behind a star


_objects = each(structure_object)
_upsert_objects = each(structure_upsert_object)


def _columns(results: Sequence[Any]) -> tuple[Iterable[Any], ...]:
    """Return the columns of the records' fields, in the order of the class.

    Raises:
        _Unusual, AttributeError, LookupError, TypeError, ValueError: If the records do
            not all have the same fields, of the expected types.
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


def _datetimes(column: Sequence[str] | None) -> Iterable[datetime | None]:
    if column is None:
        return _NONE
    values = [*map(datetime.fromisoformat, column)]
    _check(countOf(map(_zone_of, values), UTC) == len(values))
    return values


def _check(usual: bool) -> None:  # noqa: FBT001 -- like an assertion
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

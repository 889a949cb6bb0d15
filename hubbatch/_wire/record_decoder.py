"""Reads the answers of the record calls.

msgspec decodes nearly every answer straight into the record classes. It refuses an
answer with a value that does not fit them, e.g. a number as an id. Such an answer is
read again leniently, and then `_lenient_fields` reads each record that does not fit.
Both ways return equal records wherever both can read one.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Generic, TypeVar

from msgspec import DecodeError, Struct, ValidationError, convert
from msgspec.json import Decoder

from hubbatch.models import (
    BatchResponse,
    SimplePublicObject,
    SimplePublicUpsertObject,
    Timestamp,
)

from .records import (
    each,
    flag,
    listed_warnings,
    mapping_of,
    optional_text,
    read_datetime,
    read_histories,
    structure_errors,
    text_id,
)


T = TypeVar("T")


class _Answer(Struct, Generic[T], rename="camel", gc=False):
    """The usual form of an answer; `structure_response` reads any other form."""

    results: list[T]
    status: str = "COMPLETE"
    num_errors: int | None = None
    errors: list[Any] | None = None
    requested_at: Timestamp | None = None
    started_at: Timestamp | None = None
    completed_at: Timestamp | None = None
    links: dict[str, str] | None = None


_objects = Decoder(_Answer[SimplePublicObject])
_upsert_objects = Decoder(_Answer[SimplePublicUpsertObject])


def decode_objects(body: bytes) -> BatchResponse[SimplePublicObject] | None:
    """Return an answer with records; None if it has to be read leniently."""
    return _decode(_objects, body)


def decode_upsert_objects(
    body: bytes,
) -> BatchResponse[SimplePublicUpsertObject] | None:
    """Return an upsert's answer; None if it has to be read leniently."""
    return _decode(_upsert_objects, body)


def _decode(decoder: Decoder[_Answer[T]], body: bytes) -> BatchResponse[T] | None:
    try:
        answer = decoder.decode(body)
    except DecodeError:
        return None
    errors = structure_errors(answer.errors)
    return BatchResponse(
        answer.status,
        answer.results,
        len(errors) if answer.num_errors is None else answer.num_errors,
        errors,
        answer.requested_at,
        answer.started_at,
        answer.completed_at,
        answer.links or {},
    )


def structure_object(raw: Any) -> SimplePublicObject:
    """Return one record.

    Raises:
        One of `UNREADABLE`: If it has no id, or is no record.
    """
    try:
        return convert(raw, SimplePublicObject)
    except ValidationError:
        return SimplePublicObject(*_lenient_fields(raw))


def structure_upsert_object(raw: Any) -> SimplePublicUpsertObject:
    """Return one record of an upsert's answer; raise as `structure_object` does."""
    try:
        return convert(raw, SimplePublicUpsertObject)
    except ValidationError:
        fields = _lenient_fields(raw)
        return SimplePublicUpsertObject(*fields, flag(raw.get("new")))  # type: ignore[call-arg] # mypy does not count fields behind a star


# Return the records of an answer, with None for each that cannot be read.
structure_objects = each(structure_object)
structure_upsert_objects = each(structure_upsert_object)


def structure_all_objects(results: Iterable[Any]) -> list[SimplePublicObject]:
    """Return the records of an answer; raise if any of them cannot be read."""
    return [*map(structure_object, results)]


def _lenient_fields(raw: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return the fields of `SimplePublicObject`; what cannot be read becomes None."""
    get = raw.get
    record_id, properties = raw["id"], get("properties")
    history, warnings = get("propertiesWithHistory"), get("warnings")
    return (
        text_id(record_id),
        {} if properties is None else mapping_of(properties),
        read_datetime(get("createdAt")),
        read_datetime(get("updatedAt")),
        flag(get("archived")),
        read_datetime(get("archivedAt")),
        None if history is None else read_histories(history),
        optional_text(get("objectWriteTraceId")),
        optional_text(get("url")),
        None if warnings is None else listed_warnings(warnings),
    )

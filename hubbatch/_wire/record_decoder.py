"""Reads the answers of the record calls.

msgspec decodes nearly every answer straight into the record classes. Records with
histories are decoded into twins of these classes. If msgspec refuses a value that does
not fit, e.g. a number as an id, the records are decoded one by one, and those that do
not fit are read leniently. Both ways return equal records wherever both can read one.
An answer in an unusual envelope is read leniently as a whole.
"""

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import Any, Generic, TypeAlias, TypeVar

from msgspec import Raw, Struct, ValidationError
from msgspec.json import Decoder
from msgspec.structs import astuple

from hubbatch._records import Timestamp
from hubbatch.models import (
    BatchResponse,
    SimplePublicObject,
    SimplePublicUpsertObject,
    ValueWithTimestamp,
)

from .records import (
    UNREADABLE,
    each,
    flag,
    listed_warnings,
    mapping_of,
    optional_text,
    read_datetime,
    read_histories,
    read_json,
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


class _Version(Struct, rename="camel", gc=False):
    """A `ValueWithTimestamp`, whose fields msgspec cannot rename."""

    value: str | None = None
    timestamp: Timestamp | None = None
    source_type: str | None = None
    source_id: str | None = None
    source_label: str | None = None
    updated_by_user_id: int | None = None


_Versions: TypeAlias = dict[str, list[_Version]]


class _Object(SimplePublicObject, rename="camel", gc=False):
    properties_with_history: _Versions | None = None  # type: ignore[assignment]


class _UpsertObject(SimplePublicUpsertObject, rename="camel", gc=False):
    properties_with_history: _Versions | None = None  # type: ignore[assignment]


class _Records(Generic[T]):
    """Decodes answers with records of one class.

    Its `twin` has the same fields, and accepts histories.
    """

    def __init__(
        self, cls: type[T], twin: type[Struct], lenient: Callable[[Any], T]
    ) -> None:
        self._cls = cls
        self._answer = Decoder(_Answer[cls])  # type: ignore[valid-type] # a class
        self._answer_of_twins = Decoder(_Answer[twin])  # type: ignore[valid-type] # a class
        self._record = Decoder(cls)
        self._twin = Decoder(twin)
        self._lenient = lenient

    def decode(self, body: bytes) -> BatchResponse[T | None] | None:
        """Return an answer; None if all of it has to be read leniently.

        A record that cannot be read is None.
        """
        results: list[Any]
        try:
            answer = self._answer.decode(body)
            results = answer.results
        except ValidationError:  # perhaps because of histories or one record
            try:
                answer, results = self._decode_unusual(body)
            except ValueError:
                return None
        except ValueError:
            return None
        errors = structure_errors(answer.errors)
        return BatchResponse(
            answer.status,
            results,
            len(errors) if answer.num_errors is None else answer.num_errors,
            errors,
            answer.requested_at,
            answer.started_at,
            answer.completed_at,
            answer.links or {},
        )

    def _decode_unusual(self, body: bytes) -> tuple[_Answer[Any], list[T | None]]:
        strictly: Callable[[Raw], T] = self._record.decode
        if b"propertiesWithHistory" in body:
            with suppress(ValidationError):
                answer = self._answer_of_twins.decode(body)
                return answer, [*map(self._from_twin, answer.results)]
            strictly = self._decode_twin
        answer = _apart.decode(body)
        return answer, [self._read(strictly, raw) for raw in answer.results]

    def _decode_twin(self, raw: Raw) -> T:
        return self._from_twin(self._twin.decode(raw))

    def _from_twin(self, twin: Any) -> T:
        histories = twin.properties_with_history
        if histories:
            twin.properties_with_history = {
                name: [ValueWithTimestamp(*astuple(version)) for version in versions]
                for name, versions in histories.items()
            }
        return self._cls(*astuple(twin))

    def _read(self, strictly: Callable[[Raw], T], raw: Raw) -> T | None:
        try:
            return strictly(raw)
        except ValueError:
            pass
        try:
            return self._lenient(read_json(bytes(raw)))
        except UNREADABLE:
            return None


# Each record by itself, not decoded yet.
_apart = Decoder(_Answer[Raw])


def structure_object(raw: Any) -> SimplePublicObject:
    """Return one record.

    Raises:
        One of `UNREADABLE`: If it has no id, or is no record.
    """
    return SimplePublicObject(*_lenient_fields(raw))


def structure_upsert_object(raw: Any) -> SimplePublicUpsertObject:
    """Return one record of an upsert's answer; raise as `structure_object` does."""
    fields = _lenient_fields(raw)
    return SimplePublicUpsertObject(*fields, flag(raw.get("new")))  # type: ignore[call-arg] # mypy does not count fields behind a star


_objects = _Records(SimplePublicObject, _Object, structure_object)
_upsert_objects = _Records(
    SimplePublicUpsertObject, _UpsertObject, structure_upsert_object
)


def decode_objects(body: bytes) -> BatchResponse[Any] | None:
    """Return an answer with records; None if all of it has to be read leniently."""
    return _objects.decode(body)


def decode_upsert_objects(body: bytes) -> BatchResponse[Any] | None:
    """Return an upsert's answer; None if all of it has to be read leniently."""
    return _upsert_objects.decode(body)


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

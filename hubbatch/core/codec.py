"""HubSpot's JSON as attrs values and back: tolerant in reading, exact in writing.

cattrs does it by the fields' names in camel case. The two classes of which there is
one per record are read by `results`.
"""

import json
import re

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, TypeVar

import orjson

from attrs import fields as attrs_fields
from attrs import resolve_types
from cattrs import Converter
from cattrs.gen import make_dict_structure_fn, make_dict_unstructure_fn, override

from hubbatch.models import (
    Account,
    BatchResponse,
    ErrorDetail,
    LegacyObject,
    LegacyProperty,
    SimplePublicObject,
    SimplePublicUpsertObject,
    StandardError,
    ValueWithTimestamp,
)

from .values import epoch_milliseconds, iso_milliseconds


T = TypeVar("T")

Raw = Mapping[str, Any]
Hook = Callable[[Any, Any], Any]

# What reading one result may raise, whatever HubSpot or a proxy wrote there.
UNREADABLE = (
    *(ArithmeticError, AttributeError, LookupError),
    *(RecursionError, TypeError, ValueError),
)
_SURROGATES = re.compile("[\ud800-\udfff]")
_from_iso = datetime.fromisoformat


def camel_case(name: str) -> str:
    """Give HubSpot's spelling of a field's name: `created_at` -> `createdAt`."""
    head, *tail = name.rstrip("_").split("_")
    return head + "".join(word.capitalize() for word in tail)


def text_id(raw: object) -> str:
    """Read an id; old APIs write numbers."""
    if type(raw) is str:
        return raw
    if type(raw) is int:
        return str(raw)
    raise TypeError(f"an id of type {type(raw).__name__}")


def mapping_of(raw: object) -> dict[str, Any]:
    """Read a mapping, and take nothing else for one."""
    if type(raw) is dict:
        return raw
    raise TypeError(f"properties of type {type(raw).__name__}")


def read_datetime(raw: object) -> datetime | None:
    """Read a timestamp; one that cannot be read is as good as none."""
    if type(raw) is str:
        try:
            value = _from_iso(raw)
        except ValueError:
            return None
        return value if value.tzinfo else value.replace(tzinfo=UTC)
    if type(raw) is int:  # crm-objects/v1: milliseconds
        try:
            return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=raw)
        except OverflowError:
            return None
    return None


def read_histories(raw: Raw) -> dict[str, list[ValueWithTimestamp]]:
    """Read what properties were before."""
    return {
        name: [
            converter.structure({"value": None, **value}, ValueWithTimestamp)
            for value in values or ()
        ]
        for name, values in mapping_of(raw).items()
    }


def structure_context(raw: object) -> Mapping[str, list[str]] | str | None:
    """Read an error's context; a single value becomes a list of one, null of none."""
    if raw is None or isinstance(raw, str):
        return raw
    if not isinstance(raw, Mapping):
        return str(raw)
    return {
        str(name): [
            str(item)
            for item in (value if isinstance(value, list) else [value])
            if item is not None
        ]
        for name, value in raw.items()
    }


def listed_warnings(place: object) -> list[dict[str, Any]]:
    """Return the warnings of a result, without items that are not objects."""
    listed = place if isinstance(place, list) else ()
    return [warning for warning in listed if isinstance(warning, dict)]


def read_json(body: bytes) -> Any:
    r"""Read the JSON of an answer, with U+FFFD for what is no text.

    JSON can hold half of a surrogate pair ("\ud800"), and a body bytes that are not
    UTF-8. orjson refuses all of a document for one of them; nothing could be written to
    a file that holds one.

    Raises:
        ValueError: if it is no JSON.
    """
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        pass
    return _valid(json.loads(body.decode("utf-8", "replace")))


def valid_text(text: str) -> str:
    """Return a text with U+FFFD for each lone surrogate in it."""
    return _SURROGATES.sub("\N{REPLACEMENT CHARACTER}", text)


def _valid(raw: Any) -> Any:
    if isinstance(raw, str):
        return valid_text(raw)
    if isinstance(raw, list):
        return [*map(_valid, raw)]
    if isinstance(raw, dict):
        return {valid_text(name): _valid(value) for name, value in raw.items()}
    return raw


def flag(raw: object) -> bool | None:
    """Read what is true or false; anything else is as good as nothing."""
    return raw if isinstance(raw, bool) else None


def optional_text(raw: object) -> str | None:
    """Read a text that may be missing; anything else becomes its text."""
    return raw if raw is None or isinstance(raw, str) else str(raw)


def _links(raw: object) -> dict[str, str]:
    if not isinstance(raw, Mapping):
        return {}
    return {str(name): str(value) for name, value in raw.items()}


def _details(raw: object) -> tuple[ErrorDetail, ...]:
    if not isinstance(raw, list):
        return ()
    return tuple(
        converter.structure(item, ErrorDetail)
        if isinstance(item, Mapping)
        else ErrorDetail(message=optional_text(item))
        for item in raw
    )


def structure_errors(raw: object) -> list[StandardError]:
    """Read the error objects of a 207; anything that is none becomes its message."""
    if not isinstance(raw, list):
        return []
    return [
        converter.structure(item, StandardError)
        if isinstance(item, Mapping)
        else StandardError(message=optional_text(item))
        for item in raw
    ]


def each(structure: Callable[[Any], T]) -> Callable[[Iterable[Any]], list[T | None]]:
    """Make what reads results of what reads one; a row must be picklable, and it is.

    A result that cannot be read becomes None: its neighbors are not to blame for it.
    """
    return partial(_each, structure)


def _each(structure: Callable[[Any], T], results: Iterable[Any]) -> list[T | None]:
    read: list[T | None] = []
    for raw in results:
        try:
            read.append(structure(raw))
        except UNREADABLE:
            read.append(None)
    return read


def every(structure: Callable[[Any], T]) -> Callable[[Iterable[Any]], list[T]]:
    """Make what reads results of which none may be left out."""
    return partial(_every, structure)


def _every(structure: Callable[[Any], T], results: Iterable[Any]) -> list[T]:
    return [*map(structure, results)]


def structure_response(
    raw: Raw, structure: Callable[[list[Any]], list[T]]
) -> BatchResponse[T]:
    """Read the envelope of an answer, and its results with `structure`.

    A result that cannot be read is None.

    Raises:
        KeyError, TypeError, AttributeError: if it is none.
    """
    errors = structure_errors(raw.get("errors"))
    results = raw.get("results")
    if results is None:
        if not errors:
            raise KeyError("results")
        results = []  # nothing but errors
    if not isinstance(results, list):
        raise TypeError("results are a list")
    num_errors = raw.get("numErrors")
    status = raw.get("status")
    return BatchResponse(
        status if isinstance(status, str) else "COMPLETE",
        structure(results),
        num_errors if type(num_errors) is int else len(errors),
        errors,
        read_datetime(raw.get("requestedAt")),
        read_datetime(raw.get("startedAt")),
        read_datetime(raw.get("completedAt")),
        _links(raw.get("links")),
    )


def structure_legacy_object(raw: Raw) -> LegacyObject:
    """Read one record of a `crm-objects/v1` answer."""
    object_id = raw["objectId"]
    return LegacyObject(
        optional_text(raw.get("objectType")),
        raw.get("portalId"),
        int(object_id),
        {
            name: _legacy_property(value)
            for name, value in mapping_of(raw.get("properties") or {}).items()
        },
        raw.get("isDeleted"),
    )


def _legacy_property(raw: Raw) -> LegacyProperty:
    return LegacyProperty(
        optional_text(raw.get("value")),
        read_datetime(raw.get("timestamp")),
        optional_text(raw.get("source")),
        optional_text(raw.get("sourceId")),
        [_legacy_property(version) for version in raw.get("versions") or ()],
    )


def structure_account(raw: Raw) -> Account:
    """Read the details of an account."""
    return Account(
        portal_id=int(raw["portalId"]),
        account_type=optional_text(raw.get("accountType")),
        time_zone=optional_text(raw.get("timeZone")),
        company_currency=optional_text(raw.get("companyCurrency")),
        additional_currencies=[*(raw.get("additionalCurrencies") or ())],
        utc_offset=optional_text(raw.get("utcOffset")),
        ui_domain=optional_text(raw.get("uiDomain")),
        data_hosting_location=optional_text(raw.get("dataHostingLocation")),
    )


def _unstructure_legacy_property(value: LegacyProperty) -> dict[str, Any]:
    written: dict[str, Any] = {
        "value": value.value,
        "timestamp": value.timestamp and epoch_milliseconds(value.timestamp),
        "source": value.source,
        "sourceId": value.source_id,
    }
    if value.versions:
        written["versions"] = [*map(_unstructure_legacy_property, value.versions)]
    return written


def _unstructure_legacy_object(value: LegacyObject) -> dict[str, Any]:
    return {
        "objectType": value.object_type,
        "portalId": value.portal_id,
        "objectId": value.object_id,
        "properties": {
            name: _unstructure_legacy_property(item)
            for name, item in value.properties.items()
        },
        "isDeleted": value.is_deleted,
    }


def unstructure(value: object) -> Any:
    """Write an attrs value in HubSpot's JSON shape.

    What HubSpot leaves out when there is nothing to say is left out here too.
    """
    return converter.unstructure(value)


def _unstructure_record(record: SimplePublicObject) -> dict[str, Any]:
    names = zip(record.__struct_fields__, record.__struct_encode_fields__, strict=True)
    return {
        written: converter.unstructure(value)
        for name, written in names
        if (value := getattr(record, name)) is not None
    }


# How the fields of a class are read and written that are not as cattrs has it.
_Fields = Mapping[str, Callable[..., Any]]
_taught: dict[type, tuple[_Fields, _Fields]] = {}


def teach(
    cls: type, reads: _Fields | None = None, writes: _Fields | None = None
) -> None:
    """Make a class known, its fields in camel case; some of them by functions.

    What reads and writes it is made when it is first needed: to make all of it would
    take as long as to import the rest.
    """
    _taught[cls] = (reads or {}, writes or {})


def _reader(cls: type) -> Hook:
    reads, _ = _taught[cls]
    overrides: dict[str, Any] = {
        name: override(rename=camel_case(name), struct_hook=reads.get(name))
        for name in _names(cls)
    }
    hook: Hook = make_dict_structure_fn(cls, converter, **overrides)
    return hook


def _writer(cls: type) -> Callable[[Any], Any]:
    _, writes = _taught[cls]
    overrides: dict[str, Any] = {
        name: override(rename=camel_case(name), unstruct_hook=writes.get(name))
        for name in _names(cls)
    }
    written: Any = make_dict_unstructure_fn(cls, converter, **overrides)
    return _leaving_out(written)


def _make_converter() -> Converter:
    made = Converter(detailed_validation=False)
    made.register_structure_hook(datetime | None, lambda raw, _: read_datetime(raw))
    made.register_structure_hook(str | None, lambda raw, _: optional_text(raw))
    made.register_structure_hook(
        int | None, lambda raw, _: raw if type(raw) is int else None
    )
    made.register_unstructure_hook(datetime, iso_milliseconds)
    for record in (SimplePublicObject, SimplePublicUpsertObject):
        made.register_unstructure_hook(record, _unstructure_record)
    made.register_unstructure_hook(LegacyObject, _unstructure_legacy_object)
    made.register_unstructure_hook(LegacyProperty, _unstructure_legacy_property)
    made.register_structure_hook_factory(_taught.__contains__, _reader)
    made.register_unstructure_hook_factory(_taught.__contains__, _writer)
    return made


def of_class(cls: type[T]) -> Callable[[Iterable[Any]], list[T | None]]:
    """Give what reads results of a class."""
    return each(partial(_structure, cls))


def _structure(cls: type[T], raw: Any) -> T:
    return converter.structure(raw, cls)


def _names(cls: type) -> list[str]:
    # Else a field whose class is named by a text would be left as it is.
    return [attribute.name for attribute in attrs_fields(resolve_types(cls))]


# HubSpot's answers have these only when there is something in them.
_ABSENT_WHEN_EMPTY = frozenset({"numErrors", "errors", "links"})


def _leaving_out(write: Callable[[Any], dict[str, Any]]) -> Callable[[Any], Any]:
    def leave_out(value: object) -> dict[str, Any]:
        return {
            name: item
            for name, item in write(value).items()
            if item is not None and (item or name not in _ABSENT_WHEN_EMPTY)
        }

    return leave_out


converter: Converter = _make_converter()

teach(ValueWithTimestamp)
teach(ErrorDetail, {"context": lambda raw, _: structure_context(raw)})
teach(
    StandardError,
    {
        "context": lambda raw, _: structure_context(raw),
        "links": lambda raw, _: _links(raw) or None,
        "errors": lambda raw, _: _details(raw),
    },
)
teach(BatchResponse)

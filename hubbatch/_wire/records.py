"""Converts HubSpot's JSON to attrs values and back: reads leniently, writes exactly.

cattrs maps fields to their names in camel case. `record_decoder` reads the two record
classes, because there is one instance per record.
"""

import json
import re

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, TypeVar

from attrs import fields as attrs_fields
from attrs import resolve_types
from cattrs import Converter
from cattrs.gen import make_dict_structure_fn, make_dict_unstructure_fn, override
from msgspec import ValidationError, convert
from msgspec.json import Decoder

from hubbatch._timestamps import epoch_milliseconds, iso_milliseconds
from hubbatch.models import (
    Account,
    AssociationLimitInput,
    BatchResponse,
    CreateInput,
    DealSplit,
    DealSplitsInput,
    ErrorDetail,
    LegacyCreateInput,
    LegacyObject,
    LegacyProperty,
    LegacyUpdateInput,
    SimplePublicObject,
    SimplePublicUpsertObject,
    StandardError,
    UpdateInput,
    UpsertInput,
    ValueWithTimestamp,
)


T = TypeVar("T")

Raw = Mapping[str, Any]
Hook = Callable[[Any, Any], Any]

# The exceptions that reading a result may raise, whatever HubSpot or a proxy sends.
UNREADABLE = (
    *(ArithmeticError, AttributeError, LookupError),
    *(RecursionError, TypeError, ValueError),
)
_SURROGATES = re.compile("[\ud800-\udfff]")
_parse = Decoder().decode
_from_iso = datetime.fromisoformat


def camel_case(name: str) -> str:
    """Return HubSpot's spelling of a field's name: `created_at` -> `createdAt`."""
    head, *tail = name.rstrip("_").split("_")
    return head + "".join(word.capitalize() for word in tail)


def text_id(raw: object) -> str:
    """Return an id as a string; old APIs send numbers."""
    if type(raw) is str:
        return raw
    if type(raw) is int:
        return str(raw)
    raise TypeError(f"an id of type {type(raw).__name__}")


def read_id(raw: object, _: object) -> str:
    """Return an id as a string; a hook for a field of a registered class."""
    return text_id(raw)


def mapping_of(raw: object) -> dict[str, Any]:
    """Return a JSON object; raise for anything else."""
    if type(raw) is dict:
        return raw
    raise TypeError(f"properties of type {type(raw).__name__}")


def read_datetime(raw: object) -> datetime | None:
    """Return a timestamp; None if it cannot be read."""
    if type(raw) is str:
        try:
            # As in a record that fits: it rounds the digits that `datetime` lacks.
            value = convert(raw, datetime)
        except ValidationError:
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
    """Return the earlier values of properties."""
    return {
        name: [
            converter.structure({"value": None, **value}, ValueWithTimestamp)
            for value in values or ()
        ]
        for name, values in mapping_of(raw).items()
    }


def structure_context(raw: object) -> Mapping[str, list[str]] | str | None:
    """Return an error's context; a single value becomes a list, null an empty one."""
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
    """Return the warnings of a result; items that are not objects are dropped."""
    listed = place if isinstance(place, list) else ()
    return [warning for warning in listed if isinstance(warning, dict)]


def read_json(body: bytes) -> Any:
    r"""Return the JSON of an answer, with U+FFFD for each invalid character.

    JSON can contain half of a surrogate pair ("\ud800"), and a body can contain bytes
    that are not UTF-8. msgspec rejects the whole document for either, and a string with
    a lone surrogate cannot be written to a file.

    Raises:
        ValueError: If it is not JSON.
        RecursionError: If it is nested too deeply.
    """
    # A UnicodeDecodeError before msgspec 0.23, for bytes that are not UTF-8.
    with suppress(ValueError):
        return _parse(body)
    return _valid(json.loads(body.decode("utf-8", "replace")))


def valid_text(text: str) -> str:
    """Return a string with U+FFFD for each lone surrogate in it."""
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
    """Return a boolean, or None for anything else."""
    return raw if isinstance(raw, bool) else None


def optional_text(raw: object) -> str | None:
    """Return a string or None; convert anything else with `str`."""
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
    """Return the error objects of a 207; any other item becomes an error's message."""
    if not isinstance(raw, list):
        return []
    return [
        converter.structure(item, StandardError)
        if isinstance(item, Mapping)
        else StandardError(message=optional_text(item))
        for item in raw
    ]


def each(structure: Callable[[Any], T]) -> Callable[[Iterable[Any]], list[T | None]]:
    """Turn a reader of one result into a picklable reader of many.

    A result that cannot be read becomes None, so that it does not affect the others.
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
    """Return a reader of results that raises if any of them cannot be read."""
    return partial(_every, structure)


def _every(structure: Callable[[Any], T], results: Iterable[Any]) -> list[T]:
    return [*map(structure, results)]


def structure_response(
    raw: Raw, structure: Callable[[list[Any]], list[T]]
) -> BatchResponse[T]:
    """Read the envelope of an answer, and its results with `structure`.

    Raises:
        KeyError, TypeError, AttributeError: If it does not have that envelope.
    """
    errors = structure_errors(raw.get("errors"))
    results = raw.get("results")
    if results is None:
        if not errors:
            raise KeyError("results")
        results = []  # nothing but errors
    if not isinstance(results, list):
        raise TypeError("results must be a list")
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
    """Return one record of a `crm-objects/v1` answer."""
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
    """Return the details of an account."""
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
    """Return an attrs value as HubSpot's JSON.

    Members that HubSpot omits when empty are omitted here too.
    """
    return converter.unstructure(value)


# Functions that read or write single fields of a class, instead of cattrs.
_Fields = Mapping[str, Callable[..., Any]]
_registered: dict[type, tuple[_Fields, _Fields]] = {}


def register(
    cls: type, reads: _Fields | None = None, writes: _Fields | None = None
) -> None:
    """Register a class; `reads` and `writes` convert single fields.

    pydantic then knows the class, too: see `pydantic_schemas`.

    cattrs compiles its hooks on first use: compiling all of them here would double the
    import time.
    """
    _registered[cls] = (reads or {}, writes or {})
    hooked: Any = cls
    hooked.__get_pydantic_core_schema__ = classmethod(_pydantic_schema)


def registered() -> Iterable[type]:
    """Return the classes that pydantic and `unstructure` know."""
    return _registered.keys()


def fields_written(cls: type) -> _Fields:
    """Return the functions that write single fields of a class."""
    _, writes = _registered[cls]
    return writes


def _pydantic_schema(cls: type, source: Any, handler: Any) -> Any:
    from .pydantic_schemas import schema_of  # noqa: PLC0415 -- it imports pydantic

    return schema_of(cls, source, handler.generate_schema)


def _reader(cls: type) -> Hook:
    reads, _ = _registered[cls]
    overrides: dict[str, Any] = {
        name: override(rename=camel_case(name), struct_hook=reads.get(name))
        for name in _names(cls)
    }
    hook: Hook = make_dict_structure_fn(cls, converter, **overrides)
    return hook


def _writer(cls: type) -> Callable[[Any], Any]:
    _, writes = _registered[cls]
    overrides: dict[str, Any] = {
        name: override(rename=camel_case(name), unstruct_hook=writes.get(name))
        for name in _names(cls)
    }
    written: Any = make_dict_unstructure_fn(cls, converter, **overrides)
    return _omitting(written)


def _make_converter() -> Converter:
    made = Converter(detailed_validation=False)
    made.register_structure_hook(datetime | None, lambda raw, _: read_datetime(raw))
    made.register_structure_hook(str | None, lambda raw, _: optional_text(raw))
    made.register_structure_hook(
        int | None, lambda raw, _: raw if type(raw) is int else None
    )
    made.register_unstructure_hook(datetime, iso_milliseconds)
    for record in (SimplePublicObject, SimplePublicUpsertObject):
        made.register_unstructure_hook(record, record.to_dict)
    made.register_unstructure_hook(LegacyObject, _unstructure_legacy_object)
    made.register_unstructure_hook(LegacyProperty, _unstructure_legacy_property)
    made.register_structure_hook_factory(_registered.__contains__, _reader)
    made.register_unstructure_hook_factory(_registered.__contains__, _writer)
    return made


def of_class(cls: type[T]) -> Callable[[Iterable[Any]], list[T | None]]:
    """Return a reader of results of a registered class."""
    return each(partial(_structure, cls))


def list_of(cls: type) -> Callable[[Any, Any], list[Any]]:
    """Return a hook for a field that is a list of a registered class, or missing."""
    return lambda raw, _: [converter.structure(item, cls) for item in raw or ()]


def _structure(cls: type[T], raw: Any) -> T:
    return converter.structure(raw, cls)


def _names(cls: type) -> list[str]:
    # resolve_types turns annotations that are strings into classes.
    return [attribute.name for attribute in attrs_fields(resolve_types(cls))]


# HubSpot's answers omit these when they are empty.
_ABSENT_WHEN_EMPTY = frozenset({"numErrors", "errors", "links"})


def _omitting(write: Callable[[Any], dict[str, Any]]) -> Callable[[Any], Any]:
    def omit(value: object) -> dict[str, Any]:
        return {
            name: item
            for name, item in write(value).items()
            if item is not None and (item or name not in _ABSENT_WHEN_EMPTY)
        }

    return omit


converter: Converter = _make_converter()

for _class in (
    # Its hooks above take precedence.
    *(SimplePublicObject, SimplePublicUpsertObject, LegacyObject, LegacyProperty),
    # `inputs` writes them for HubSpot; pydantic reads them from requests.
    *(CreateInput, UpdateInput, UpsertInput, LegacyCreateInput, LegacyUpdateInput),
    *(AssociationLimitInput, DealSplit, DealSplitsInput),
):
    register(_class)
register(Account)
register(ValueWithTimestamp)
register(ErrorDetail, {"context": lambda raw, _: structure_context(raw)})
register(
    StandardError,
    {
        "context": lambda raw, _: structure_context(raw),
        "links": lambda raw, _: _links(raw) or None,
        "errors": lambda raw, _: _details(raw),
    },
)
register(BatchResponse)

"""Inputs as the bytes that leave, each encoded once, when it is planned.

The bytes of a record do not depend on the chunk it travels in, so retries and splits
cost nothing and a bad value is found before anything is sent.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import orjson

from hubbatch.models import (
    AssociationSpec,
    AssociationTo,
    CreateInput,
    UpdateInput,
    UpsertInput,
)

from .calls import ColumnEncoder, Encoded, Encoder, Operation
from .typed import is_typed, shape_of
from .values import InvalidInput, check_encodable, property_texts, record_id


_KEY_SEPARATOR = "\0"
_PAIR_SEPARATOR = "\1"
# AssociationSpec in HubSpot's specifications; it refuses the whole call for another.
CATEGORIES = ("HUBSPOT_DEFINED", "USER_DEFINED", "INTEGRATOR_DEFINED", "WORK")
_TYPE_IDS = range(2**31)
# What orjson gives keeps the whole buffer that it was written into, 4 KB for a record
# of 500 bytes. A slice does not, so something is written that can be cut off.
CUT = orjson.OPT_APPEND_NEWLINE


def make_key(text: str, id_property: str | None = None) -> str:
    """Make the key of an id or, with its name, of a unique property's value.

    HubSpot compares unique values without regard to case (e-mail addresses for
    certain), so two spellings of one value have one key.
    """
    if id_property is None:
        # "0512" is the record 512.
        if text[:1] == "0" and text.isdecimal():
            return text.lstrip("0") or "0"
        return text.lower()
    return f"{id_property}{_KEY_SEPARATOR}{text.lower()}"


def id_property_of(key: str) -> str | None:
    """Name the property that a key is the value of; None if it is a record's id."""
    name, separator, _ = key.partition(_KEY_SEPARATOR)
    return name if separator else None


def pair_key(one: str, other: str) -> str:
    """Return the key of a pair of records, whichever of them comes first.

    HubSpot answers for one input with both directions of its pair. Two inputs that
    differ only in the direction share a key, so they never travel in one request, where
    a result could be either's.
    """
    return many_key(*sorted((one, other), key=make_key))


def value_of(key: str) -> str:
    """Return the value in a key that is one of a property."""
    return key.partition(_KEY_SEPARATOR)[2]


def many_key(*ends: str) -> str:
    """Return the key of an input that is about several records, in this order."""
    return _PAIR_SEPARATOR.join(map(make_key, ends))


def ends_of(key: str) -> tuple[str, ...]:
    """Take the key of a pair apart; other keys are of one record."""
    return tuple(key.split(_PAIR_SEPARATOR))


def renames(key: str | None, body: bytes) -> bool:
    """Whether an encoded input sets another value of the property that names it."""
    return written_key(key, body) != key


def written_key(key: str | None, body: bytes) -> str | None:
    """Return the key by which an encoded input is known once it has been written."""
    name = None if key is None else id_property_of(key)
    # The definition of a property has a name, and no properties; nor has what is read.
    if name is None or b'"properties":{' not in body:
        return key
    value = orjson.loads(body)["properties"].get(name)
    return key if value is None else make_key(value, name)


def encoder(operation: Operation) -> Encoder:
    """Choose how the inputs of an operation are encoded.

    The encoder takes an input's index in the whole batch and the input, and raises
    InvalidInput for one that must not be sent.
    """
    return operation.call.dialect.encoder(operation)


def column_encoder(operation: Operation) -> ColumnEncoder:
    """Choose how the inputs of an operation are encoded a block at a time."""
    make = operation.call.dialect.columns
    return _one_by_one if make is None else make(operation)


def _one_by_one(_first: int, _block: Sequence[object]) -> None:
    """Leave the inputs of a block to the encoder."""


def request_body(operation: Operation, bodies: Iterable[bytes]) -> bytes:
    """Join encoded inputs into the body of one request."""
    return operation.call.dialect.body(operation, b",".join(bodies))


def enveloped(operation: Operation, joined: bytes) -> bytes:
    """Write HubSpot's usual body: the options of the call, and its inputs."""
    if not operation.options:
        return b'{"inputs":[%b]}' % joined
    return b'%b,"inputs":[%b]}' % (orjson.dumps(operation.options)[:-1], joined)


def read_body(operation: Operation, joined: bytes) -> bytes:
    """Write the body of a batch read."""
    options: dict[str, object] = {
        "properties": operation.asked_properties,
        "propertiesWithHistory": operation.properties_with_history,
    }
    if operation.id_property is not None:
        options["idProperty"] = operation.id_property
    return b'%b,"inputs":[%b]}' % (orjson.dumps(options)[:-1], joined)


def write_encoder(operation: Operation) -> Encoder:
    """Encode the inputs of update and upsert."""
    default_id_property, prefix = operation.id_property, operation.trace_prefix
    upsert = operation.call.verb == "upsert"

    def encode(index: int, given: object) -> Encoded:
        raw_id: object
        properties: object
        if type(given) is not dict and isinstance(given, _WRITE_INPUTS):
            raw_id, properties = given.id, given.properties
            id_property, trace = given.id_property, given.object_write_trace_id
        else:
            get = fields_of(
                given, _WRITE_FIELDS, "id and properties", default_id_property
            ).get
            raw_id, properties = get("id"), get("properties")
            id_property, trace = get("idProperty"), get("objectWriteTraceId")
        id_property = _id_property(id_property, default_id_property)
        if id_property is None and upsert:
            raise InvalidInput(
                "an upsert needs to know which unique property id is the value of: "
                "pass id_property=, or name it in the input",
                "idProperty",
            )
        text = record_id(raw_id, id_property=id_property)
        body: dict[str, object] = {"id": text}
        texts = texts_of(properties)
        if id_property is not None:
            body["idProperty"] = id_property
            if not upsert and id_property not in texts:
                # So that the answer carries the value by which it is matched.
                texts = {**texts, id_property: text}
        body["properties"] = texts
        body["objectWriteTraceId"] = _trace(prefix, index, trace)
        return (make_key(text, id_property), dumps(body, texts), trace)

    return encode


def create_encoder(operation: Operation) -> Encoder:
    """Encode the inputs of create."""
    unique, prefix = operation.id_property, operation.trace_prefix

    def encode(index: int, given: object) -> Encoded:
        properties: object
        associations: object
        if isinstance(given, CreateInput):
            properties, associations = given.properties, given.associations
            trace = given.object_write_trace_id
        else:
            get = fields_of(given, _CREATE_FIELDS, "properties").get
            properties, associations = get("properties"), get("associations")
            trace = get("objectWriteTraceId")
        texts = texts_of(properties)
        body: dict[str, object] = {"properties": texts}
        if associations:
            body["associations"] = _associations(associations)
        body["objectWriteTraceId"] = _trace(prefix, index, trace)
        return _unique_key(texts, unique), dumps(body, texts), trace

    return encode


def _unique_key(texts: Mapping[str, str], unique: str | None) -> str | None:
    """Make the key of a create that can be reconciled; it has no other."""
    if unique is None:
        return None
    value = texts.get(unique)
    if not value:
        raise InvalidInput(
            f"reconcile_by names {unique!r}, which this record does not set", unique
        )
    return make_key(value, unique)


def id_encoder(operation: Operation) -> Encoder:
    """Encode ids, or the values of a unique property."""
    id_property = operation.id_property

    def encode(_index: int, given: object) -> Encoded:
        if type(given) not in _PLAIN_IDS and (
            isinstance(given, Mapping) or is_typed(type(given))
        ):
            given = fields_of(given, _ID_FIELDS, "id", id_property).get("id")
        text = record_id(given, id_property=id_property)
        body = {"id": text}
        return make_key(text, id_property), dumps(body, body), None

    return encode


_WRITE_INPUTS = (UpdateInput, UpsertInput)
_WRITE_FIELDS = frozenset({"id", "properties", "idProperty", "objectWriteTraceId"})
_CREATE_FIELDS = frozenset({"properties", "associations", "objectWriteTraceId"})
_ID_FIELDS = frozenset({"id"})
_PLAIN_IDS = (str, int)


def fields_of(
    given: object,
    known: frozenset[str],
    wanted: str,
    id_property: str | None = None,
) -> Mapping[str, Any]:
    """Check that an input is a mapping, and that HubSpot knows all that is in it."""
    if type(given) is not dict and not isinstance(given, Mapping):
        if is_typed(type(given)):
            written = shape_of(type(given)).written(given, id_property)
            return {name: written[name] for name in known & written.keys()}
        raise InvalidInput(
            f"an input is a mapping with {wanted}, or the input class of the verb, "
            f"not type {type(given).__name__}"
        )
    if not known.issuperset(given):
        name = next(name for name in given if name not in known)
        raise InvalidInput(
            f"unknown field {name!r} in an input; HubSpot takes {sorted(known)}",
            str(name),
        )
    return given


def texts_of(properties: object, *, legacy: bool = False) -> Mapping[str, str]:
    """Turn properties into texts."""
    # Properties that are texts already, the usual case, go out as they are.
    if type(properties) is not dict or _has_others(properties):
        return property_texts(properties, legacy=legacy)
    if "" in properties:
        raise InvalidInput("a property has an empty name", "properties")
    return properties


def _has_others(properties: Mapping[object, object]) -> bool:
    """Whether there are values that are no texts."""
    for value in properties.values():  # noqa: SIM110 -- any() takes twice as long
        if type(value) is not str:
            return True
    return False


def _id_property(given: object, default: str | None) -> str | None:
    if given is None:
        return default
    if type(given) is not str or not given:
        raise InvalidInput(f"idProperty must be a name, not {given!r}", "idProperty")
    return given


def trace_id(prefix: str, index: int) -> str:
    """Return the trace id of an input for which the caller chose none."""
    return f"{prefix}{index}"


def _trace(prefix: str, index: int, given: object) -> str:
    if given is None:
        return trace_id(prefix, index)
    if type(given) is not str or not given:
        raise InvalidInput(
            f"objectWriteTraceId must be a non-empty str, not {given!r}",
            "objectWriteTraceId",
        )
    return given


def _associations(given: object) -> list[object]:
    if isinstance(given, str | Mapping) or not isinstance(given, Iterable):
        raise InvalidInput("associations must be a list", "associations")
    return [_association(item) for item in given]


def _association(given: object) -> object:
    """Write an association in HubSpot's shape, and no other.

    HubSpot answers "Invalid input JSON" to any other, which no record of the chunk
    would survive.
    """
    if isinstance(given, AssociationTo):
        to: object = given.to
        types = association_types(given.types)
    elif isinstance(given, Mapping) and isinstance(given.get("to"), Mapping):
        to = given["to"].get("id")
        types = association_types(given.get("types"))
    else:
        raise InvalidInput(
            'an association is an AssociationTo, or {"to": {"id": ...}, "types": '
            f"[...]}}, not {given!r}",
            "associations",
        )
    return {"to": {"id": record_id(to)}, "types": types}


def association_types(given: object) -> list[dict[str, object]]:
    """Write the types of an association in HubSpot's shape, and no other."""
    if isinstance(given, str | Mapping) or not isinstance(given, Iterable):
        raise InvalidInput("the types of an association are a list", "associations")
    return [
        {"associationCategory": category, "associationTypeId": type_id}
        for category, type_id in map(_type_pair, given)
    ]


def _type_pair(given: object) -> tuple[str, int]:
    category: object = None
    type_id: object = None
    if isinstance(given, AssociationSpec):
        category, type_id = given.association_category, given.association_type_id
    elif isinstance(given, Mapping):
        category = given.get("associationCategory")
        type_id = given.get("associationTypeId")
    if category in CATEGORIES and type(type_id) is int and type_id in _TYPE_IDS:
        return str(category), type_id
    raise InvalidInput(
        f"an association's type has a category (one of {', '.join(CATEGORIES)}) and a "
        f"type id (an int of 32 bits), not {given!r}",
        "associations",
    )


def dumps(body: object, texts: Mapping[str, str]) -> bytes:
    """Write JSON, or say which of the texts cannot be written."""
    try:
        return orjson.dumps(body, option=CUT)[:-1]
    except TypeError as error:
        # A name that is no text, or a text that is not UTF-8: say which.
        check_encodable(property_texts(texts))
        fields = body if isinstance(body, Mapping) else {}
        check_encodable({k: v for k, v in fields.items() if isinstance(v, str)})
        raise InvalidInput(f"cannot be written as JSON: {error}") from None

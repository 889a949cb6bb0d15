"""Encodes inputs as JSON, each once, before it is put into the queue.

A record's bytes do not depend on the chunk it is sent in. So retries and splits encode
nothing, and an invalid value is found before anything is sent.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from operator import attrgetter
from typing import Any

from attrs import field
from msgspec.json import Decoder, Encoder

from hubbatch._classes import frozen
from hubbatch.models import (
    AssociationSpec,
    AssociationTo,
    CreateInput,
    UpdateInput,
    UpsertInput,
)

from .bodies import Bodies
from .calls import Block, BlockEncoder, Encoded, Operation
from .calls import Encoder as InputEncoder
from .property_values import (
    ABOVE_TIME,
    AS_IS_TIMES,
    BELOW_TIME,
    InvalidInput,
    TimeFormat,
    check_encodable,
    looks_like_local_time,
    property_values,
    record_id,
)
from .rows import NO_ID_PROPERTY, Shaper, is_row
from .user_classes import class_mapping, is_typed


# Key format. An id's key is the id; the key of a unique property's value is
# NAME \0 VALUE; the key of a pair or of several records joins ids with \1. HubSpot's
# ids and property names contain neither separator.
_KEY_SEPARATOR = "\0"
_PAIR_SEPARATOR = "\1"
# AssociationSpec in HubSpot's specifications; HubSpot refuses the whole call for any
# other category.
CATEGORIES = ("HUBSPOT_DEFINED", "USER_DEFINED", "INTEGRATOR_DEFINED", "WORK")
_TYPE_IDS = range(2**31)
# Strings of a caller's own subclass are written as plain ones.
_write_json = Encoder(enc_hook=str.__str__).encode
_read_json = Decoder().decode


# ---- keys


def make_key(value: str, id_property: str | None = None) -> str:
    """Return the key of an id or, with its name, of a unique property's value.

    HubSpot compares unique values case-insensitively (certainly for e-mail addresses),
    so two spellings of a value have the same key.
    """
    if id_property is None:
        # "0512" is the record 512.
        if value[:1] == "0" and value.isdecimal():
            return value.lstrip("0") or "0"
        return value.lower()
    return f"{id_property}{_KEY_SEPARATOR}{value.lower()}"


def id_property_of(key: str) -> str | None:
    """Return the unique property that a key's value is of; None for a record id."""
    name, separator, _ = key.partition(_KEY_SEPARATOR)
    return name if separator else None


def value_of(key: str) -> str:
    """Return the value in the key of a unique value."""
    return key.partition(_KEY_SEPARATOR)[2]


def pair_key(source: str, target: str) -> str:
    """Return the key of a pair of records, the same in both directions.

    HubSpot returns both directions of a pair for one input. Two inputs that differ only
    in direction share a key, so they are never sent in the same request, where a result
    could belong to either.
    """
    return many_key(*sorted((source, target), key=make_key))


def many_key(*ends: str) -> str:
    """Return the key of an input that is about several records, in this order."""
    return _PAIR_SEPARATOR.join(map(make_key, ends))


def ends_of(key: str) -> tuple[str, ...]:
    """Return the keys of the records that a key joins: more than one for a pair."""
    return tuple(key.split(_PAIR_SEPARATOR))


def renames(key: str | None, body: bytes) -> bool:
    """Return whether an encoded input changes its identifying unique property."""
    return written_key(key, body) != key


def written_key(key: str | None, body: bytes) -> str | None:
    """Return the key that an encoded input's record has once it is written."""
    name = None if key is None else id_property_of(key)
    # The definition of a property has a name but no properties; so has a read.
    if name is None or b'"properties":{' not in body:
        return key
    value = _read_json(body)["properties"].get(name)
    return key if value is None else make_key(value, name)


# ---- the codec of an operation


def shaper(operation: Operation) -> Shaper | None:
    """Return a function that converts the rows of one source; None if it takes none."""
    rows = operation.call.codec.rows
    return None if rows is None else rows(operation)


def encoder(operation: Operation, shape: Shaper | None = None) -> InputEncoder:
    """Return the encoder of an operation's inputs.

    The encoder takes an input's index in the whole batch and the input. It raises
    InvalidInput for an input that must not be sent. Two encoders of one source share
    its `shaper`.
    """
    encode = operation.call.codec.encoder(operation)
    shape = shape or shaper(operation)
    if shape is None:
        return encode
    return lambda index, value: encode(index, shape(value))


def block_encoder(operation: Operation, shape: Shaper | None = None) -> BlockEncoder:
    """Return the encoder of blocks of an operation's inputs; see `encoder`."""
    codec = operation.call.codec
    if codec.blocks is None:
        return _encode_no_block
    encode = codec.blocks(operation)
    shape = shape or shaper(operation)
    if shape is None:
        return encode

    def encode_rows(first: int, block: Sequence[Any]) -> Block | None:
        # The inputs of a source are seldom mixed, so the first one shows the kind.
        if block and is_row(block[0]):
            try:
                block = [*map(shape, block)]
            except Exception:  # noqa: BLE001 -- a value's own methods may raise anything
                return None
        return encode(first, block)

    return encode_rows


def _encode_no_block(_first: int, _block: Sequence[object]) -> None:
    pass


def request_body(operation: Operation, bodies: Bodies) -> bytes:
    """Return the body of one request from encoded inputs."""
    return operation.call.codec.body(operation, bodies.joined)


def for_any_operation(encode: InputEncoder) -> Callable[[Operation], InputEncoder]:
    """Return an encoder factory for inputs with the same JSON in all operations."""
    # A partial instead of a closure, because operations must be picklable.
    return partial(_regardless, encode)


def _regardless(encode: InputEncoder, _operation: Operation) -> InputEncoder:
    return encode


# ---- the fields of an input


@frozen
class InputForm:
    """The fields that HubSpot accepts in an input, and its input classes.

    Attributes:
        names: HubSpot's names of the fields; an input with any other is invalid.
        wanted: The fields that an input needs, for error messages.
        classes: The input classes of the verb, each with a function that returns the
            values of all `names`, in their order.
    """

    names: tuple[str, ...]
    wanted: str
    classes: Mapping[type, Callable[[Any], Sequence[Any]]] = field(factory=dict)
    _known: frozenset[str] = field(init=False)

    @_known.default
    def _all_names(self) -> frozenset[str]:
        return frozenset(self.names)

    def values(self, value: object, id_property: str | None = None) -> Sequence[Any]:
        """Return the values of an input's fields in the order of `names`.

        A missing field is None. `id_property` is the property that holds the id if the
        input is an instance of a user's own class.

        Raises:
            InvalidInput: If it is neither a mapping nor an instance of a class that the
                verb takes, or HubSpot does not accept one of its fields.
        """
        if type(value) is dict:
            if self._known.issuperset(value):  # as in `mapping`; saves a call
                return [*map(value.get, self.names)]
        elif (read := self.classes.get(type(value))) is not None:
            return read(value)
        for cls, read in self.classes.items():
            if isinstance(value, cls):
                return read(value)
        return [*map(self.mapping(value, id_property).get, self.names)]

    def mapping(
        self, value: object, id_property: str | None = None
    ) -> Mapping[str, Any]:
        """Return the fields of an input that is a mapping, or of a user's own class.

        Raises:
            InvalidInput: If it is neither, or HubSpot does not accept one of its
                fields.
        """
        if isinstance(value, Mapping):
            if self._known.issuperset(value):
                return value
            name = next(name for name in value if name not in self._known)
            raise InvalidInput(
                f"unknown field {name!r} in an input; HubSpot takes "
                f"{', '.join(sorted(self.names))}",
                str(name),
            )
        if is_typed(type(value)):
            written = class_mapping(type(value)).to_input(value, id_property)
            return {name: written[name] for name in self._known & written.keys()}
        raise InvalidInput(
            f"an input is a mapping with {self.wanted}, or the input class of the "
            f"verb, not type {type(value).__name__}{_conversion(value)}"
        )


def _conversion(value: object) -> str:
    """Return how to convert an object that is probably a row to a mapping."""
    if hasattr(value, "__arrow_c_stream__"):
        return ". Pass the table itself, and several tables one after the other"
    if hasattr(value, "_asdict"):  # a named tuple
        return "; convert it with row._asdict()"
    if hasattr(value, "keys"):  # a row of sqlite3 or asyncpg
        return "; convert it with dict(row)"
    if isinstance(value, list | tuple):
        return "; add the names of the columns: dict(zip(names, row))"
    if isinstance(value, str):
        return (
            ". One column, or the names that a dict or a table yields, are not rows: "
            "pass the table, or a list of dicts"
        )
    return ""


_write_values: Any = attrgetter(
    "id", "properties", "id_property", "object_write_trace_id"
)
_WRITE = InputForm(
    ("id", "properties", "idProperty", "objectWriteTraceId"),
    "id and properties",
    {UpdateInput: _write_values, UpsertInput: _write_values},
)
_create_values: Any = attrgetter("properties", "associations", "object_write_trace_id")
_CREATE = InputForm(
    ("properties", "associations", "objectWriteTraceId"),
    "properties",
    {CreateInput: _create_values},
)
_ID = InputForm(("id",), "id")
_PLAIN_IDS = (str, int)


# ---- records


def read_body(operation: Operation, joined: bytes) -> bytes:
    """Return the body of a batch read."""
    options: dict[str, object] = {
        "properties": operation.asked_properties,
        "propertiesWithHistory": operation.properties_with_history,
    }
    if operation.id_property is not None:
        options["idProperty"] = operation.id_property
    return b'%b,"inputs":[%b]}' % (_write_json(options)[:-1], joined)


def write_encoder(operation: Operation) -> InputEncoder:
    """Return the encoder of the inputs of update and upsert."""
    default_id_property, prefix = operation.id_property, operation.trace_prefix
    upsert = operation.call.verb == "upsert"
    times = TimeFormat(operation.zone)

    def encode(index: int, value: object) -> Encoded:
        raw_id, properties, name, trace = _WRITE.values(value, default_id_property)
        id_property = default_id_property if name is None else _checked_name(name)
        if id_property is None and upsert:
            raise InvalidInput(NO_ID_PROPERTY, "idProperty")
        if id_property and raw_id is None and isinstance(properties, Mapping):
            raw_id = properties.get(id_property)
        identifier = record_id(raw_id, id_property=id_property)
        body: dict[str, object] = {"id": identifier}
        values = written_values(properties, times)
        if id_property is not None:
            body["idProperty"] = id_property
            if not upsert and id_property not in values:
                # HubSpot's answer then contains the value that identifies the input.
                values = {**values, id_property: identifier}
        body["properties"] = values
        body["objectWriteTraceId"] = (
            trace_id(prefix, index) if trace is None else _checked_trace(trace)
        )
        return (make_key(identifier, id_property), dumps(body, values), trace)

    return encode


def create_encoder(operation: Operation) -> InputEncoder:
    """Return the encoder of the inputs of create."""
    unique, prefix = operation.id_property, operation.trace_prefix
    times = TimeFormat(operation.zone)

    def encode(index: int, value: object) -> Encoded:
        properties, associations, trace = _CREATE.values(value)
        values = written_values(properties, times)
        body: dict[str, object] = {"properties": values}
        if associations:
            body["associations"] = _associations(associations)
        body["objectWriteTraceId"] = (
            trace_id(prefix, index) if trace is None else _checked_trace(trace)
        )
        return _unique_key(values, unique), dumps(body, values), trace

    return encode


def _unique_key(values: Mapping[str, str], unique: str | None) -> str | None:
    """Return the key of a create; None if it cannot be looked up."""
    if unique is None:
        return None
    value = values.get(unique)
    if not value:
        raise InvalidInput(
            f"reconcile_by names {unique!r}, which this record does not set", unique
        )
    return make_key(value, unique)


def id_encoder(operation: Operation) -> InputEncoder:
    """Return the encoder of ids, or of a unique property's values."""
    id_property = operation.id_property

    def encode(_index: int, value: object) -> Encoded:
        if type(value) not in _PLAIN_IDS and (
            isinstance(value, Mapping) or is_typed(type(value))
        ):
            [value] = _ID.values(value, id_property)
        identifier = record_id(value, id_property=id_property)
        body = {"id": identifier}
        return make_key(identifier, id_property), dumps(body, body), None

    return encode


def written_values(properties: object, times: TimeFormat) -> Mapping[str, str]:
    """Return properties as HubSpot's strings.

    A dict of strings, the usual case, is returned as is, so do not modify it. It may
    have no time without a zone.
    """
    if type(properties) is not dict or _has_others(properties):
        return property_values(properties, times)
    if "" in properties:
        raise InvalidInput("a property has an empty name", "properties")
    return properties


def _has_others(properties: Mapping[object, object]) -> bool:
    """Return whether any name or value is not a string, or is a time without a zone."""
    for name, value in properties.items():
        if type(value) is not str or type(name) is not str:
            return True
        if BELOW_TIME < len(value) < ABOVE_TIME and looks_like_local_time(value):
            return True
    return False


def _checked_name(name: object) -> str:
    if type(name) is not str or not name:
        raise InvalidInput(f"idProperty must be a name, not {name!r}", "idProperty")
    return name


def trace_id(prefix: str, index: int) -> str:
    """Return the generated trace id of an input without one of its own."""
    return f"{prefix}{index}"


def _checked_trace(chosen: object) -> str:
    if type(chosen) is not str or not chosen:
        raise InvalidInput(
            f"objectWriteTraceId must be a non-empty str, not {chosen!r}",
            "objectWriteTraceId",
        )
    return chosen


# ---- associations


def _associations(value: object) -> list[object]:
    if isinstance(value, str | Mapping) or not isinstance(value, Iterable):
        raise InvalidInput("associations must be a list", "associations")
    return [_association(item) for item in value]


def _association(value: object) -> object:
    """Return an association in HubSpot's form; reject any other.

    HubSpot answers "Invalid input JSON" to any other form, and every record of the
    chunk fails.
    """
    if isinstance(value, AssociationTo):
        to: object = value.to
        types = association_types(value.types)
    elif isinstance(value, Mapping) and isinstance(value.get("to"), Mapping):
        to = value["to"].get("id")
        types = association_types(value.get("types"))
    else:
        raise InvalidInput(
            'an association is an AssociationTo, or {"to": {"id": ...}, "types": '
            f"[...]}}, not {value!r}",
            "associations",
        )
    return {"to": {"id": record_id(to)}, "types": types}


def association_types(value: object) -> list[dict[str, object]]:
    """Return the types of an association in HubSpot's form; reject any other."""
    if isinstance(value, str | Mapping) or not isinstance(value, Iterable):
        raise InvalidInput("the types of an association are a list", "associations")
    return [
        {"associationCategory": category, "associationTypeId": type_id}
        for category, type_id in map(_type_pair, value)
    ]


def _type_pair(value: object) -> tuple[str, int]:
    category: object = None
    type_id: object = None
    if isinstance(value, AssociationSpec):
        category, type_id = value.association_category, value.association_type_id
    elif isinstance(value, Mapping):
        category = value.get("associationCategory")
        type_id = value.get("associationTypeId")
    if category in CATEGORIES and type(type_id) is int and type_id in _TYPE_IDS:
        return str(category), type_id
    raise InvalidInput(
        f"an association's type has a category (one of {', '.join(CATEGORIES)}) and a "
        f"type id (an int of 32 bits), not {value!r}",
        "associations",
    )


# ---- JSON


def dumps(body: object, values: Mapping[str, str]) -> bytes:
    """Return JSON.

    Raises:
        InvalidInput: If it cannot be written. The error names the culprit among
            `values`, the strings of the body.
    """
    try:
        return _write_json(body)
    except (TypeError, UnicodeEncodeError) as error:
        # A name that is not a string, or a string with a lone surrogate.
        check_encodable(property_values(values, AS_IS_TIMES))
        fields = body if isinstance(body, Mapping) else {}
        check_encodable({k: v for k, v in fields.items() if isinstance(v, str)})
        raise InvalidInput(f"cannot be written as JSON: {error}") from None

"""`crm-objects/v1`: bare lists and maps, numeric ids, and name-value pairs."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from hubbatch._wire.calls import Codec, Encoded, Encoder, Operation, ResultShape
from hubbatch._wire.inputs import (
    InputForm,
    dumps,
    for_any_operation,
    make_key,
    written_values,
)
from hubbatch._wire.property_values import InvalidInput, TimeFormat, number_id
from hubbatch._wire.records import each, structure_legacy_object
from hubbatch._wire.rows import row_shaper
from hubbatch._wire.user_classes import is_typed
from hubbatch.models import (
    BatchResponse,
    CreateInput,
    LegacyCreateInput,
    LegacyObject,
    LegacyUpdateInput,
    UpdateInput,
)


def _new_values(value: LegacyCreateInput) -> Sequence[Any]:
    return value.properties, None, None


def _v3_new_values(value: CreateInput) -> Sequence[Any]:
    return value.properties, value.associations, None


def _changed_values(value: LegacyUpdateInput) -> Sequence[Any]:
    return value.object_id, None, value.properties, None, None


def _v3_changed_values(value: UpdateInput) -> Sequence[Any]:
    return None, value.id, value.properties, value.id_property, None


# v3's fields are accepted where v1 has an equivalent; trace ids are dropped.
_CREATE = InputForm(
    ("properties", "associations", "objectWriteTraceId"),
    "properties",
    {LegacyCreateInput: _new_values, CreateInput: _v3_new_values},
)
_UPDATE = InputForm(
    ("objectId", "id", "properties", "idProperty", "objectWriteTraceId"),
    "objectId and properties",
    {LegacyUpdateInput: _changed_values, UpdateInput: _v3_changed_values},
)
_ID = InputForm(("objectId", "id"), "id")


def _create_encoder(operation: Operation) -> Encoder:
    return partial(_encode_create, TimeFormat(operation.zone, legacy=True))


def _update_encoder(operation: Operation) -> Encoder:
    return partial(_encode_update, TimeFormat(operation.zone, legacy=True))


def _encode_create(times: TimeFormat, _index: int, value: object) -> Encoded:
    properties: object = value
    # v1's own form of an input is the list of its names and values.
    if not isinstance(value, list | tuple):
        properties, associations, _ = _CREATE.values(value)
        _refuse(associations or None, "takes no associations", "associations")
    values = written_values(_from_name_values(properties), times)
    return None, dumps(_name_values(values), values), None


def _encode_update(times: TimeFormat, _index: int, value: object) -> Encoded:
    object_id, v3_id, properties, id_property, _ = _UPDATE.values(value)
    _refuse(id_property, "knows records by id only", "idProperty")
    number = _number(object_id, v3_id)
    values = written_values(_from_name_values(properties), times)
    body = {"objectId": number, "properties": _name_values(values)}
    return make_key(str(number)), dumps(body, values), None


def _encode_id(_index: int, value: object) -> Encoded:
    object_id, v3_id = None, value
    if isinstance(value, Mapping) or is_typed(type(value)):
        object_id, v3_id = _ID.values(value)
    number = _number(object_id, v3_id)
    return make_key(str(number)), b"%d" % number, None


def _number(object_id: object, v3_id: object) -> int:
    """Return the id of an input, which may use v1's name for it or v3's."""
    if v3_id is None:
        return number_id("objectId", object_id)
    if object_id is not None:
        raise InvalidInput("an input has an id or an objectId, not both", "id")
    return number_id("id", v3_id)


def _refuse(value: object, why: str, field: str) -> None:
    if value is not None:
        raise InvalidInput(f"crm-objects/v1 {why}", field)


def _name_values(values: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in values.items()]


def _from_name_values(properties: object) -> object:
    """Return a v1 list of names and values as a mapping."""
    if not isinstance(properties, list | tuple):
        return properties
    mapping: dict[str, object] = {}
    for item in properties:
        if not isinstance(item, Mapping) or item.keys() != {"name", "value"}:
            raise InvalidInput(
                'properties must be a list of {"name": ..., "value": ...}, '
                "or a mapping of names to values",
                "properties",
            )
        name = item["name"]
        if not isinstance(name, str):
            raise InvalidInput(
                f"a property name must be a non-empty str, not {name!r}", "properties"
            )
        if name in mapping:
            raise InvalidInput(f"property {name!r} occurs twice", name)
        mapping[name] = item["value"]
    return mapping


def _listed(_: Operation, joined: bytes) -> bytes:
    return b"[%b]" % joined


def _ids(_: Operation, joined: bytes) -> bytes:
    return b'{"ids":[%b]}' % joined


def _from_list(raw: Any, structure: Callable[[Any], Any]) -> BatchResponse[Any]:
    if not isinstance(raw, list):
        raise TypeError("a v1 answer must be a list")
    return BatchResponse(results=structure(raw))


def _from_map(raw: Any, structure: Callable[[Any], Any]) -> BatchResponse[Any]:
    if not isinstance(raw, Mapping):
        raise TypeError("the answer to a v1 read must be a map")
    return BatchResponse(results=structure([*raw.values()]))


def _from_nothing(_raw: Any, _structure: Callable[[Any], Any]) -> BatchResponse[Any]:
    return BatchResponse()


def _key(record: LegacyObject) -> str:
    return str(record.object_id)


def _values(record: LegacyObject) -> Mapping[str, str | None]:
    return {name: item.value for name, item in record.properties.items()}


_records = each(structure_legacy_object)
_ids_of = for_any_operation(_encode_id)

RECORDS = ResultShape(_records, _key)

# Only the values that were written identify a new record: v1 has no trace ids.
CREATES = Codec(
    _create_encoder,
    _listed,
    _from_list,
    ResultShape(_records, _key, _values),
    rows=row_shaper,
)
READS = Codec(
    _ids_of,
    _ids,
    _from_map,
    ResultShape(_records, _key, complete=True),
    rows=row_shaper,
)
UPDATES = Codec(_update_encoder, _listed, _from_list, RECORDS, rows=row_shaper)
DELETES = Codec(_ids_of, _ids, _from_nothing, rows=row_shaper)

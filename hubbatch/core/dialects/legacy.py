"""`crm-objects/v1`: bare lists and maps, ids as numbers, names beside values."""

from collections.abc import Callable, Mapping
from typing import Any

from hubbatch.core.calls import Codec, Encoded, Operation, ResultShape
from hubbatch.core.codec import each, structure_legacy_object
from hubbatch.core.encoding import (
    InputForm,
    dumps,
    for_any_operation,
    make_key,
    written_values,
)
from hubbatch.core.typed import is_typed
from hubbatch.core.values import InvalidInput, number_id
from hubbatch.models import (
    BatchResponse,
    CreateInput,
    LegacyCreateInput,
    LegacyObject,
    LegacyUpdateInput,
    UpdateInput,
)


def _new_fields(value: LegacyCreateInput) -> Mapping[str, Any]:
    return {"properties": value.properties}


def _v3_new_fields(value: CreateInput) -> Mapping[str, Any]:
    return {"properties": value.properties, "associations": value.associations}


def _changed_fields(value: LegacyUpdateInput) -> Mapping[str, Any]:
    return {"objectId": value.object_id, "properties": value.properties}


def _v3_changed_fields(value: UpdateInput) -> Mapping[str, Any]:
    return {
        "id": value.id,
        "properties": value.properties,
        "idProperty": value.id_property,
    }


# v3's fields are accepted where v1 has an equivalent.
_CREATE = InputForm(
    frozenset({"properties", "associations", "objectWriteTraceId"}),
    "properties",
    {LegacyCreateInput: _new_fields, CreateInput: _v3_new_fields},
)
_UPDATE = InputForm(
    frozenset({"objectId", "id", "idProperty", "properties", "objectWriteTraceId"}),
    "objectId and properties",
    {LegacyUpdateInput: _changed_fields, UpdateInput: _v3_changed_fields},
)
_ID = InputForm(frozenset({"objectId", "id"}), "id")


def _encode_create(_index: int, value: object) -> Encoded:
    if isinstance(value, list | tuple):
        properties: object = value  # v1's own form of an input: names and values
    else:
        fields = _CREATE.fields(value)
        _refuse(
            fields.get("associations") or None, "takes no associations", "associations"
        )
        properties = fields.get("properties")
    values = written_values(_from_name_values(properties), legacy=True)
    return None, dumps(_name_values(values), values), None


def _encode_update(_index: int, value: object) -> Encoded:
    fields = _UPDATE.fields(value)
    _refuse(fields.get("idProperty"), "knows records by id only", "idProperty")
    number = number_id(*_named_id(fields))
    values = written_values(_from_name_values(fields.get("properties")), legacy=True)
    body = {"objectId": number, "properties": _name_values(values)}
    return make_key(str(number)), dumps(body, values), None


def _encode_id(_index: int, value: object) -> Encoded:
    name, raw_id = "id", value
    if isinstance(value, Mapping) or is_typed(type(value)):
        name, raw_id = _named_id(_ID.fields(value))
    number = number_id(name, raw_id)
    return make_key(str(number)), b"%d" % number, None


def _named_id(fields: Mapping[str, Any]) -> tuple[str, object]:
    if "id" not in fields:
        return "objectId", fields.get("objectId")
    if "objectId" in fields:
        raise InvalidInput("an input has an id or an objectId, not both", "id")
    return "id", fields["id"]


def _refuse(value: object, why: str, field: str) -> None:
    if value is not None:
        raise InvalidInput(f"crm-objects/v1 {why}", field)


def _name_values(values: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in values.items()]


def _from_name_values(properties: object) -> object:
    """Return the mapping that a v1 list of names and values stands for."""
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
    for_any_operation(_encode_create),
    _listed,
    _from_list,
    ResultShape(_records, _key, _values),
)
READS = Codec(_ids_of, _ids, _from_map, ResultShape(_records, _key, complete=True))
UPDATES = Codec(for_any_operation(_encode_update), _listed, _from_list, RECORDS)
DELETES = Codec(_ids_of, _ids, _from_nothing)

"""`crm-objects/v1`: bare lists and maps, ids as numbers, names beside values."""

from collections.abc import Callable, Mapping
from typing import Any

from hubbatch.core.calls import Dialect, Encoded, Encoder, Operation, Shape
from hubbatch.core.codec import each, structure_legacy_object
from hubbatch.core.encoding import dumps, fields_of, make_key, texts_of
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


# v3's fields too, where what they say can be said in v1.
_CREATE_FIELDS = frozenset({"properties", "associations", "objectWriteTraceId"})
_UPDATE_FIELDS = frozenset(
    {"objectId", "id", "idProperty", "properties", "objectWriteTraceId"}
)
_ID_FIELDS = frozenset({"objectId", "id"})


def _create_encoder(_: Operation) -> Encoder:
    return _encode_create


def _encode_create(_index: int, given: object) -> Encoded:
    properties: object
    if isinstance(given, LegacyCreateInput):
        properties = given.properties
    elif isinstance(given, CreateInput):
        _refuse(given.associations or None, "takes no associations", "associations")
        properties = given.properties
    elif isinstance(given, list | tuple):
        properties = given  # HubSpot's own v1 form: names and values, and no more
    else:
        fields = fields_of(given, _CREATE_FIELDS, "properties")
        _refuse(
            fields.get("associations") or None, "takes no associations", "associations"
        )
        properties = fields.get("properties")
    texts = texts_of(_from_name_values(properties), legacy=True)
    return None, dumps(_name_values(texts), texts), None


def _update_encoder(_: Operation) -> Encoder:
    return _encode_update


def _encode_update(_index: int, given: object) -> Encoded:
    raw_id: object
    properties: object
    name = "objectId"
    if isinstance(given, LegacyUpdateInput):
        raw_id, properties = given.object_id, given.properties
    elif isinstance(given, UpdateInput):
        _refuse(given.id_property, "knows records by id only", "idProperty")
        name, raw_id, properties = "id", given.id, given.properties
    else:
        fields = fields_of(given, _UPDATE_FIELDS, "objectId and properties")
        _refuse(fields.get("idProperty"), "knows records by id only", "idProperty")
        name, raw_id = _one_id(fields)
        properties = fields.get("properties")
    number = number_id(name, raw_id)
    texts = texts_of(_from_name_values(properties), legacy=True)
    body = {"objectId": number, "properties": _name_values(texts)}
    return make_key(str(number)), dumps(body, texts), None


def _id_encoder(_: Operation) -> Encoder:
    return _encode_id


def _encode_id(_index: int, given: object) -> Encoded:
    name, raw_id = "id", given
    if isinstance(given, Mapping) or is_typed(type(given)):
        name, raw_id = _one_id(fields_of(given, _ID_FIELDS, "id"))
    number = number_id(name, raw_id)
    return make_key(str(number)), b"%d" % number, None


def _one_id(fields: Mapping[str, Any]) -> tuple[str, object]:
    if "id" not in fields:
        return "objectId", fields.get("objectId")
    if "objectId" in fields:
        raise InvalidInput("an input has an id or an objectId, not both", "id")
    return "id", fields["id"]


def _refuse(given: object, why: str, field: str) -> None:
    if given is not None:
        raise InvalidInput(f"crm-objects/v1 {why}", field)


def _name_values(texts: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"name": name, "value": texts[name]} for name in texts]


def _from_name_values(properties: object) -> object:
    """Take HubSpot's v1 list of names and values for the mapping it means."""
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
            raise InvalidInput(f"property {name!r} is given twice", name)
        mapping[name] = item["value"]
    return mapping


def _listed(_: Operation, joined: bytes) -> bytes:
    return b"[%b]" % joined


def _ids(_: Operation, joined: bytes) -> bytes:
    return b'{"ids":[%b]}' % joined


def _from_list(raw: Any, structure: Callable[[Any], Any]) -> BatchResponse[Any]:
    if not isinstance(raw, list):
        raise TypeError("a v1 answer is a list")
    return BatchResponse(results=structure(raw))


def _from_map(raw: Any, structure: Callable[[Any], Any]) -> BatchResponse[Any]:
    if not isinstance(raw, Mapping):
        raise TypeError("a v1 read is answered by a map")
    return BatchResponse(results=structure([*raw.values()]))


def _from_nothing(_raw: Any, _structure: Callable[[Any], Any]) -> BatchResponse[Any]:
    return BatchResponse()


def _key(record: LegacyObject) -> str:
    return str(record.object_id)


def _values(record: LegacyObject) -> Mapping[str, str | None]:
    return {name: one.value for name, one in record.properties.items()}


_records = each(structure_legacy_object)

RECORDS = Shape(_records, _key)

# Nothing but what was written says whose a new record is.
CREATES = Dialect(
    _create_encoder,
    _listed,
    _from_list,
    Shape(_records, _key, _values),
)
READS = Dialect(_id_encoder, _ids, _from_map, Shape(_records, _key, complete=True))
UPDATES = Dialect(_update_encoder, _listed, _from_list, RECORDS)
DELETES = Dialect(_id_encoder, _ids, _from_nothing)

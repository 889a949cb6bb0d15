"""The lists that records are on."""

from collections.abc import Mapping
from typing import Any

from hubbatch.core.calls import Dialect, Encoded, Encoder, Operation, Shape
from hubbatch.core.codec import converter, of_class, structure_response, teach, text_id
from hubbatch.core.encoding import dumps, enveloped, fields_of, make_key
from hubbatch.core.object_types import standard_type
from hubbatch.core.values import InvalidInput, record_id
from hubbatch.models import RecordIdWithMemberships, RecordListMembership


_FIELDS = frozenset({"objectTypeId", "recordId"})


def _encoder(operation: Operation) -> Encoder:
    known = standard_type(operation.object_type)
    type_id = known.id if known and known.id else operation.object_type

    def encode(_index: int, given: object) -> Encoded:
        if isinstance(given, Mapping):
            fields = fields_of(given, _FIELDS, "recordId")
            if fields.get("objectTypeId", type_id) != type_id:
                raise InvalidInput(
                    f"objectTypeId must be {type_id!r} here, not "
                    f"{fields['objectTypeId']!r}",
                    "objectTypeId",
                )
            given = fields.get("recordId")
        body = {"objectTypeId": type_id, "recordId": record_id(given)}
        return make_key(body["recordId"]), dumps(body, body), None

    return encode


def _text(raw: Any, _: object) -> str:
    return text_id(raw)


def _lists(raw: Any, _: object) -> list[RecordListMembership]:
    return [converter.structure(item, RecordListMembership) for item in raw or ()]


teach(RecordListMembership, {"list_id": _text})
teach(RecordIdWithMemberships, {"record_id": _text, "record_list_memberships": _lists})


def _key(result: RecordIdWithMemberships) -> str:
    return make_key(result.record_id)


READS = Dialect(
    _encoder,
    enveloped,
    structure_response,
    Shape(of_class(RecordIdWithMemberships), _key),
)

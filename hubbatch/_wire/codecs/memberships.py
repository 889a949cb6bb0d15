"""The lists that records are on."""

from collections.abc import Mapping

from hubbatch._wire.calls import Encoded, Encoder, Operation, ResultShape
from hubbatch._wire.inputs import InputForm, dumps, make_key
from hubbatch._wire.property_values import InvalidInput, record_id
from hubbatch._wire.records import list_of, of_class, read_id, register
from hubbatch.models import RecordIdWithMemberships, RecordListMembership

from .envelopes import envelope_codec


_RECORD = InputForm(("objectTypeId", "recordId"), "recordId")


def _encoder(operation: Operation) -> Encoder:
    type_id = operation.object_type  # lists need the type's id

    def encode(_index: int, value: object) -> Encoded:
        if isinstance(value, Mapping):
            named, value = _RECORD.values(value)
            if named not in (None, type_id):
                raise InvalidInput(
                    f"objectTypeId must be {type_id!r} here, not {named!r}",
                    "objectTypeId",
                )
        body = {"objectTypeId": type_id, "recordId": record_id(value)}
        return make_key(body["recordId"]), dumps(body, body), None

    return encode


register(RecordListMembership, {"list_id": read_id})
register(
    RecordIdWithMemberships,
    {"record_id": read_id, "record_list_memberships": list_of(RecordListMembership)},
)


def _key(result: RecordIdWithMemberships) -> str:
    return make_key(result.record_id)


READS = envelope_codec(_encoder, ResultShape(of_class(RecordIdWithMemberships), _key))

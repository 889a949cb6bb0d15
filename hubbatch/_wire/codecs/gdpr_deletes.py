"""GDPR deletes: one contact in a call, for good."""

from collections.abc import Mapping

from hubbatch._wire.calls import Codec, Encoded, Encoder, Operation
from hubbatch._wire.inputs import InputForm, dumps, make_key
from hubbatch._wire.property_values import record_id
from hubbatch._wire.rows import row_shaper
from hubbatch._wire.user_classes import is_typed

from .envelopes import nothing
from .merges import bare


_ID = InputForm(("objectId", "id"), "id")


def _id_encoder(operation: Operation) -> Encoder:
    id_property = operation.id_property

    def encode(_index: int, value: object) -> Encoded:
        if isinstance(value, Mapping) or is_typed(type(value)):
            object_id, own_id = _ID.values(value, id_property)
            value = own_id if object_id is None else object_id
        identifier = record_id(value, id_property=id_property)
        body = {"objectId": identifier}
        if id_property is not None:
            body["idProperty"] = id_property
        return make_key(identifier, id_property), dumps(body, body), None

    return encode


DELETES = Codec(_id_encoder, bare, nothing, rows=row_shaper)

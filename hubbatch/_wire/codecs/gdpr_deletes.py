"""GDPR deletes: one contact in a call, for good."""

from collections.abc import Callable, Mapping
from typing import Any

from hubbatch._wire.calls import Codec, Encoded, Encoder, Operation
from hubbatch._wire.inputs import InputForm, dumps, make_key
from hubbatch._wire.property_values import record_id
from hubbatch._wire.rows import row_shaper
from hubbatch._wire.user_classes import is_typed
from hubbatch.models import BatchResponse

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


def _nothing(raw: Any, _structure: Callable[[Any], Any]) -> BatchResponse[Any]:
    # The answer is a 204. Anything else may be the answer to another request.
    if raw != {}:
        raise TypeError("the answer to a GDPR delete must be empty")
    return BatchResponse()


DELETES = Codec(_id_encoder, bare, _nothing, rows=row_shaper)

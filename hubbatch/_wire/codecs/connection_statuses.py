"""The connections of users to calling apps.

HubSpot's specification names the path and a `CollectionResponse`, and no body. So this
is the form of its other reads by id, a mapping is sent as it is, and the result keeps
whatever HubSpot returns.
"""

from collections.abc import Mapping
from typing import Any

from hubbatch._wire.calls import Encoded, ResultShape
from hubbatch._wire.inputs import dumps, for_any_operation, make_key
from hubbatch._wire.property_values import record_id
from hubbatch._wire.records import converter, each, mapping_of, read_id, register
from hubbatch.models import ConnectionStatus

from .envelopes import envelope_codec


def _user_id(value: Mapping[str, Any]) -> Any:
    return value.get("userId", value.get("id"))


def _encode(_index: int, value: object) -> Encoded:
    if isinstance(value, Mapping):
        return make_key(record_id(_user_id(value))), dumps(value, value), None
    body = {"id": record_id(value)}
    return make_key(body["id"]), dumps(body, body), None


register(
    ConnectionStatus,
    {"user_id": read_id, "details": lambda raw, _: mapping_of(raw)},
)


def _structure(raw: Mapping[str, Any]) -> ConnectionStatus:
    fields = {"userId": _user_id(raw), "details": raw}
    return converter.structure(fields, ConnectionStatus)


def _key(result: ConnectionStatus) -> str:
    return make_key(result.user_id)


READS = envelope_codec(
    for_any_operation(_encode), ResultShape(each(_structure), _key, complete=True)
)

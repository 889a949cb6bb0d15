"""The inputs and answers of merges, GDPR deletes and custom events."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import orjson
import pytest

from attrs import define

from hubbatch import EventInput, MergeInput
from hubbatch._wire.bodies import Bodies
from hubbatch._wire.codecs.merges import with_current_ids
from hubbatch._wire.endpoints import operation_for
from hubbatch._wire.inputs import encoder, request_body
from hubbatch._wire.property_values import InvalidInput


MERGE = operation_for("merges", "merge", "contacts")
DELETE = operation_for("gdpr_deletes", "gdpr_delete", "contacts")
BY_EMAIL = operation_for("gdpr_deletes", "gdpr_delete", "contacts", id_property="email")
SEND = operation_for("events", "send")


# ---- merges


@pytest.mark.parametrize(
    "pair",
    [
        MergeInput("101", 102),
        ("101", "102"),
        ["101", 102],
        {"primaryObjectId": "101", "objectIdToMerge": 102},
    ],
)
def test_a_pair_in_every_form(pair: Any) -> None:
    key, body, trace = encoder(MERGE)(0, pair)

    assert (key, trace) == ("101\x01102", None)
    assert orjson.loads(body) == {"primaryObjectId": "101", "objectIdToMerge": "102"}
    assert request_body(MERGE, Bodies([body])) == body


@pytest.mark.parametrize(
    ("pair", "message", "name"),
    [
        (("7", "07"), "7 cannot be merged with itself", "objectIdToMerge"),
        ((7, 7), "7 cannot be merged with itself", "objectIdToMerge"),
        (("7",), "a pair has two ids, .* not 1", None),
        (("7", "8", "9"), "a pair has two ids, .* not 3", None),
        (("", "8"), "primaryObjectId: id is empty", "primaryObjectId"),
        (("7", "8.0"), "objectIdToMerge: id is not a record id", "objectIdToMerge"),
        ({"primaryObjectId": 7}, "objectIdToMerge: id is missing", "objectIdToMerge"),
        ({"id": "7"}, "unknown field 'id'", "id"),
        ("7", "an input is a mapping with primaryObjectId and", None),
    ],
)
def test_a_pair_that_is_not_sent(pair: Any, message: str, name: str | None) -> None:
    with pytest.raises(InvalidInput, match=message) as raised:
        encoder(MERGE)(0, pair)

    assert raised.value.field == name


def test_a_pair_names_the_records_as_they_are_now() -> None:
    _, body, _ = encoder(MERGE)(0, ("1", "2"))

    current = with_current_ids(body, {"1": "1", "2": "9"}.__getitem__)

    assert orjson.loads(current) == {"primaryObjectId": "1", "objectIdToMerge": "9"}


# ---- GDPR deletes


@define
class Person:
    id: str


@pytest.mark.parametrize(
    "contact", ["101", {"id": 101}, {"objectId": 101}, Person("101")]
)
def test_a_contact_in_every_form(contact: Any) -> None:
    key, body, _ = encoder(DELETE)(0, contact)

    assert key == "101"
    assert orjson.loads(request_body(DELETE, Bodies([body]))) == {"objectId": "101"}


@pytest.mark.parametrize("contact", ["Ada@x.org", {"email": "Ada@x.org", "city": "X"}])
def test_a_contact_by_its_address(contact: Any) -> None:
    key, body, _ = encoder(BY_EMAIL)(0, contact)

    assert key == "email\0ada@x.org"
    assert orjson.loads(body) == {"objectId": "Ada@x.org", "idProperty": "email"}


# ---- events


NAME = "pe1_printed"
AT = datetime(2026, 1, 20, 21, 14, 16, 512_000, UTC)
WHOLE = {
    "eventName": NAME,
    "email": "ada@x.org",
    "occurredAt": "2026-01-20T21:14:16.512Z",
    "properties": {"pages": "3"},
}


@pytest.mark.parametrize(
    "event",
    [
        EventInput(NAME, {"pages": 3}, email="ada@x.org", occurred_at=AT),
        {**WHOLE, "properties": {"pages": 3}, "occurredAt": AT},
        {**WHOLE, "utk": None, "objectId": float("nan")},
        {
            **{k: v for k, v in WHOLE.items() if k != "properties"},
            "pages": 3,
            "by": None,
        },
        {**WHOLE, "occurredAt": "2026-01-20T22:14:16.512+01:00"},
    ],
)
def test_an_event_in_every_form(event: Any) -> None:
    key, body, trace = encoder(SEND)(0, event)

    assert (key, trace) == (None, None)
    assert orjson.loads(body) == WHOLE
    sent = orjson.loads(request_body(SEND, Bodies([body, body])))
    assert sent == {"inputs": [WHOLE, WHOLE]}


def test_an_event_has_an_id_and_a_time_in_a_zone() -> None:
    operation = operation_for("events", "send", zone=ZoneInfo("Europe/Berlin"))
    local = datetime(2026, 1, 20, 22, 14, 16)  # noqa: DTZ001 -- the zone is the option
    event = EventInput(NAME, object_id=5, uuid="u-1", occurred_at=local)

    _, body, _ = encoder(operation)(0, event)

    assert orjson.loads(body) == {
        "eventName": NAME,
        "objectId": "5",
        "uuid": "u-1",
        "occurredAt": "2026-01-20T21:14:16.000Z",
        "properties": {},
    }


def without(name: str) -> Mapping[str, Any]:
    return {key: value for key, value in WHOLE.items() if key != name}


@pytest.mark.parametrize(
    ("event", "message", "name"),
    [
        (without("eventName"), "eventName is missing", "eventName"),
        ({**WHOLE, "eventName": 5}, "eventName must be a string", "eventName"),
        (
            {**WHOLE, "eventName": "a b"},
            "must be the full name, pe{HubID}",
            "eventName",
        ),
        (without("email"), "one of email, utk and objectId", "email"),
        ({**WHOLE, "email": ""}, "email must be a string, not ''", "email"),
        ({**without("email"), "objectId": "5.0"}, "id is not a record id", "id"),
        ({**WHOLE, "occurredAt": "soon"}, "must be a datetime, or a str", "occurredAt"),
        ({**WHOLE, "occurredAt": 5}, "must be a datetime, or a str", "occurredAt"),
        (
            {**WHOLE, "occurredAt": "2026-01-20T21:14:16"},
            "datetime without a time zone",
            "occurredAt",
        ),
        (
            {**WHOLE, "properties": {f"p{n}": "1" for n in range(51)}},
            "at most 50 properties, not 51",
            "properties",
        ),
        ({**WHOLE, "properties": {"a": float("nan")}}, "'a'", "a"),
        ({**WHOLE, "colour": "red"}, "unknown field 'colour'", "colour"),
        (5, "an input is a mapping with eventName, properties", None),
    ],
)
def test_an_event_that_is_not_sent(event: Any, message: str, name: str | None) -> None:
    with pytest.raises(InvalidInput, match=message) as raised:
        encoder(SEND)(0, event)

    assert raised.value.field == name

"""The v1 batch update: bare lists, all inputs or none."""

import pytest

from .behaviours import behaviour
from .conftest import Response, World


def batch_update(world: World, body: object, kind: str = "tickets") -> Response:
    return world.post(f"/crm-objects/v1/objects/{kind}/batch-update", body)


def change(record_id: str | int, **properties: object) -> dict[str, object]:
    pairs = [{"name": name, "value": value} for name, value in properties.items()]
    return {"objectId": int(record_id), "properties": pairs}


@behaviour("legacy-update")
def test_update(world: World) -> None:
    """The documented shape: numeric ids, epoch milliseconds, versions."""
    ticket = world.ticket(subject="old", content="not shown")
    response = batch_update(world, [change(ticket, subject="new")])
    now = 1789387200000
    (shown,) = response.body

    assert response.status == 200
    assert shown["objectType"] == "TICKET"
    assert shown["portalId"] == 62515
    assert shown["objectId"] == int(ticket)
    assert shown["isDeleted"] is False
    assert shown["properties"]["subject"] == {
        "versions": [
            {
                "name": "subject",
                "value": "new",
                "timestamp": now,
                "source": "API",
                "sourceVid": [],
            }
        ],
        "value": "new",
        "timestamp": now,
        "source": "API",
        "sourceId": None,
    }
    assert shown["properties"]["hs_lastmodifieddate"]["source"] == "CALCULATED"
    assert "content" not in shown["properties"]


@pytest.mark.parametrize(
    ("kind", "word"),
    [("tickets", "TICKET"), ("products", "PRODUCT"), ("line_items", "LINE_ITEM")],
)
@behaviour("legacy-types")
def test_types(world: World, kind: str, word: str) -> None:
    record = world.sim.store.create(kind, {})
    name = "subject" if kind == "tickets" else "name"
    response = batch_update(world, [change(record.id, **{name: "x"})], kind)

    assert response.body[0]["objectType"] == word
    assert record.properties[name] == "x"


@behaviour("legacy-types")
def test_other_types_have_no_such_path(world: World) -> None:
    assert batch_update(world, [], "contacts").status == 404


@behaviour("legacy-invalid")
def test_invalid_value(world: World) -> None:
    """The refusal lists validationResults, and nothing is written."""
    good, bad = world.ticket(subject="old"), world.ticket()
    changes = [change(good, subject="new"), change(bad, hs_ticket_priority="LOUD")]
    response = batch_update(world, changes)

    assert response.status == 400
    assert list(response.body) == [
        "validationResults",
        "status",
        "message",
        "correlationId",
    ]
    assert response.message == "Property values were not valid"
    assert response.body["validationResults"] == [
        {
            "isValid": False,
            "message": (
                "LOUD was not one of the allowed options: [LOW, MEDIUM, HIGH, URGENT]"
            ),
            "error": "INVALID_OPTION",
            "name": "hs_ticket_priority",
        }
    ]
    record = world.sim.store.get("tickets", good)
    assert record is not None
    assert record.properties["subject"] == "old"


@behaviour("legacy-not-found")
def test_unknown_id(world: World) -> None:
    ticket = world.ticket(subject="old")
    response = batch_update(
        world, [change(ticket, subject="x"), change(1, subject="x")]
    )

    assert (response.status, response.message) == (404, "resource not found")
    assert "category" not in response.body
    record = world.sim.store.get("tickets", ticket)
    assert record is not None
    assert record.properties["subject"] == "old"


@behaviour("legacy-count")
def test_more_than_100(world: World) -> None:
    ticket = world.ticket()

    assert batch_update(world, [change(ticket, subject="x")] * 101).status == 400


@pytest.mark.parametrize(
    "body",
    [
        {"inputs": []},
        [1],
        [{"objectId": 1}],
        [{"objectId": [1], "properties": []}],
        [{"objectId": 1, "properties": {"subject": "x"}}],
        [{"objectId": 1, "properties": [{"name": "subject", "value": {}}]}],
    ],
)
@behaviour("legacy-json")
def test_wrong_json(world: World, body: object) -> None:
    response = batch_update(world, body)

    assert response.status == 400
    assert response.message.startswith("Invalid input JSON on line 1")


@behaviour("legacy-json")
def test_no_json(world: World) -> None:
    path = "/crm-objects/v1/objects/tickets/batch-update"

    assert world.post(path, content=b"[").status == 400


@behaviour("legacy-duplicates")
def test_same_id_twice(world: World) -> None:
    ticket = world.ticket(subject="old")
    changes = [change(ticket, subject=name) for name in ("one", "two")]
    response = batch_update(world, changes)

    assert response.status == 400
    assert response.message == (
        f"Duplicate IDs found in batch input: [{ticket}]. IDs must be unique"
    )
    assert response.body["context"] == {"ids": [ticket]}


@pytest.mark.parametrize("value", ["T-1", "T-3"])
@behaviour("legacy-unique")
def test_taken_value(world: World, value: str) -> None:
    """A value of an existing record, or of another change, is refused."""
    name = "hs_external_object_ids"
    world.ticket(hs_external_object_ids="T-1")
    first, second = world.ticket(), world.ticket(hs_external_object_ids="T-2")
    changes = [change(first, **{name: "T-3"}), change(second, **{name: value})]
    response = batch_update(world, changes)
    record = world.sim.store.get("tickets", first)

    assert response.status == 400
    assert f"propertyName={name}, value={value}}} on {second}. " in response.message
    assert record is not None
    assert name not in record.properties
    assert batch_update(world, [change(second, **{name: "T-2"})]).status == 200

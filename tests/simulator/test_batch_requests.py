"""The paths and bodies of record batches: what is accepted, and what is refused."""

import re

import pytest

from hubbatch.simulator import Property

from .behaviours import behaviour
from .conftest import World


@pytest.mark.parametrize("verb", ["create", "read", "update", "upsert", "archive"])
@behaviour("count-100")
def test_more_than_100_inputs(world: World, verb: str) -> None:
    """221 bytes in the recording, which had 107 inputs."""
    inputs = [{"id": str(n), "properties": {"subject": "x"}} for n in range(107)]
    response = world.batch(verb, inputs)

    assert response.status == 400
    assert len(response.reply.answer.content) == 221
    assert response.message == (
        "The maximum number of inputs supported in a batch is 100. "
        "Please reduce the number of items and try again"
    )


@behaviour("count-50-history")
def test_more_than_50_inputs_with_history(world: World) -> None:
    ids = [{"id": world.ticket()} for _ in range(51)]
    refused = world.batch("read", ids, propertiesWithHistory=["subject"])

    assert refused.message == (
        "The maximum number of inputs supported in a batch request for property "
        "histories is 50. Please reduce the number of items and try again"
    )
    assert refused.status == 400
    assert world.batch("read", ids, propertiesWithHistory=[]).status == 200
    assert world.batch("read", ids[:50], propertiesWithHistory=["x"]).status == 200


@pytest.mark.parametrize("verb", ["create", "read", "update", "upsert"])
@behaviour("empty-inputs")
def test_empty_inputs(world: World, verb: str) -> None:
    response = world.batch(verb, [])

    assert response.status == (201 if verb == "create" else 200)
    assert response.body["results"] == []


@pytest.mark.parametrize(("verb", "status"), [("create", 201), ("update", 200)])
@behaviour("no-inputs")
def test_body_without_inputs_is_a_silent_no_op(
    world: World, verb: str, status: int
) -> None:
    path = f"/crm/v3/objects/tickets/batch/{verb}"
    response = world.post(path, {"properties": {"subject": "x"}})

    assert (status, []) == (response.status, response.body["results"])


@behaviour("wrong-json-type")
def test_item_of_the_wrong_type(world: World) -> None:
    response = world.batch("update", [["id", "1"]])

    assert response.status == 400
    assert "category" not in response.body
    assert re.fullmatch(
        r"Invalid input JSON on line 1, column 12: Cannot deserialize value of type "
        r"`com\.hubspot\.[\w.]+\.SimplePublicObjectBatchInput\$Json` from Array value "
        r"\(token `JsonToken\.START_ARRAY`\)",
        response.message,
    )


@pytest.mark.parametrize(
    ("verb", "body", "expected"),
    [
        ("update", [], "`com.hubspot.inbounddb.publicobject.core.v2.Batch"),
        ("update", {"inputs": {}}, "`java.util.ArrayList` from Object value"),
        ("read", {"inputs": [], "properties": "x"}, "from String value"),
        ("read", {"inputs": [], "idProperty": ["x"]}, "`java.lang.String` from Array"),
        ("update", {"inputs": [{"id": ["1"], "properties": {}}]}, "line 1, column 12"),
        ("create", {"inputs": [{"properties": 1}]}, "LinkedHashMap` from Integer"),
        ("create", {"inputs": [{"properties": {"x": {}}}]}, "VALUE_STRING|START_OBJ"),
    ],
)
@behaviour("wrong-json-type")
def test_wrong_types_elsewhere(
    world: World, verb: str, body: object, expected: str
) -> None:
    response = world.post(f"/crm/v3/objects/tickets/batch/{verb}", body)

    assert response.status == 400
    assert any(part in response.message for part in expected.split("|"))


@pytest.mark.parametrize("traces", [True, False])
@pytest.mark.parametrize("verb", ["create", "update", "upsert"])
@behaviour("wrong-json-value")
def test_one_value_of_the_wrong_type(world: World, verb: str, *, traces: bool) -> None:
    """The whole call is refused, and the message names neither input nor value."""
    world.sim.store.define("tickets", [Property("ref", unique=True)])
    keys = [{}, {}] if verb == "create" else [{"id": world.ticket()} for _ in range(2)]
    if verb == "upsert":
        keys = [{"id": item, "idProperty": "ref"} for item in ("a", "b")]
    good, bad = (
        {**key, "properties": {"subject": value}}
        for key, value in zip(keys, ("fine", {"of": "the wrong type"}), strict=True)
    )
    if traces:
        good["objectWriteTraceId"], bad["objectWriteTraceId"] = "a", "b"
    response = world.batch(verb, [good, bad])

    assert response.status == 400
    assert set(response.body) == {"status", "message", "correlationId"}
    assert re.fullmatch(
        r"Invalid input JSON on line 1, column \d+: Cannot deserialize value of type "
        r"`java\.lang\.String` from Object value \(token `JsonToken\.START_OBJECT`\)",
        response.message,
    )
    assert all(item.history("subject") == [] for item in world.sim.store.all("tickets"))
    assert world.batch(verb, [good]).status < 207


@behaviour("unknown-type")
def test_unknown_object_type(world: World) -> None:
    response = world.batch("read", [{"id": "1"}], type="butterflies")

    assert response.status == 400
    assert {
        "status": "error",
        "message": "Unable to infer object type from: butterflies",
        "correlationId": response.body["correlationId"],
    } == response.body


@behaviour("unknown-path")
def test_unknown_path(world: World) -> None:
    """The recorded page, byte for byte."""
    response = world.post("/crm/v3/objects/tickets/batch/destroy", {})

    assert response.status == 404
    assert response.reply.answer.content_type == "text/html;charset=iso-8859-1"
    assert response.headers["X-HubSpot-NotFound"] == "true"
    assert response.body == (
        b'<html>\n<head>\n<meta http-equiv="Content-Type" content="text/html;'
        b'charset=utf-8"/>\n<title>Error 404 Not Found</title>\n</head>\n<body>'
        b"<h2>HTTP ERROR 404</h2>\n<p>Resource not found</p>\n</body>\n</html>\n"
    )


@pytest.mark.parametrize(
    "name", ["tickets", "ticket", "TICKET", "TICKETS", "0-5", "Ticket"]
)
@pytest.mark.parametrize(
    "base", ["v3/objects", "objects/2026-09", "objects/2027-03-beta"]
)
@behaviour("type-names", "versions")
def test_names_and_versions(world: World, name: str, base: str) -> None:
    response = world.post(f"/crm/{base}/{name}/batch/read", {"inputs": []})

    assert response.status == 200

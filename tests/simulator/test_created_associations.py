"""The `associations` of a create: accepted or refused."""

import pytest

from .behaviours import behaviour
from .conftest import Response, World


def to(record_id: object, number: object = 16, **more: object) -> dict[str, object]:
    spec = {"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": number}
    return {"to": {"id": record_id}, "types": [{**spec, **more}]}


TRUTH: object = True


def create(world: World, *associations: object, trace: str | None = None) -> Response:
    item = {"properties": {"subject": "x"}, "associations": list(associations)}
    if trace is not None:
        item["objectWriteTraceId"] = trace
    return world.batch("create", [item])


@behaviour("create-associations")
def test_associated_at_once(world: World) -> None:
    contact, company = world.contact(), world.sim.store.create("companies", {}).id
    response = create(world, to(int(contact)), to(company, 339))
    (ticket,) = response.by_id
    ends = {}
    for kind in ("contacts", "companies"):
        path = f"/crm/v4/associations/tickets/{kind}/batch/read"
        read = world.post(path, {"inputs": [{"id": ticket}]})
        ends[kind] = [item["toObjectId"] for item in read.body["results"][0]["to"]]

    assert response.status == 201
    assert ends == {"contacts": [int(contact)], "companies": [int(company)]}


@pytest.mark.parametrize(
    ("association", "message"),
    [
        (to("1234"), "CONTACT=1234 is not valid"),
        (to("1", 15), "HUBSPOT_DEFINED associationTypeId=15 is not valid"),
        (
            to("1", associationCategory="USER_DEFINED"),
            "USER_DEFINED associationTypeId=16 is not valid",
        ),
    ],
)
@behaviour("create-associations")
def test_an_unknown_record_or_type_is_refused(
    world: World, association: dict[str, object], message: str
) -> None:
    """The batch is refused, or with trace ids the input; no record is created."""
    whole = create(world, association)
    single = create(world, association, trace="t")

    assert (whole.status, whole.message) == (400, message)
    assert single.status == 207
    assert single.body["errors"] == [
        {
            "status": "error",
            "category": "VALIDATION_ERROR",
            "message": message,
            "context": {"objectWriteTraceId": ["t"]},
        }
    ]
    assert world.sim.store.count("tickets") == 0


@pytest.mark.parametrize(
    "associations",
    [
        "x",
        {},
        ["x"],
        [{}],
        [{"to": {"id": "1"}}],
        [{"to": {"id": "1"}, "types": []}],
        [{"to": {"id": "1"}, "types": ["x"]}],
        [{"to": "1", "types": to("1")["types"]}],
        [to(["1"])],
        [to(TRUTH)],
        [to("1", "16")],
        [to("1", TRUTH)],
        [to("1", associationCategory="MINE")],
    ],
)
@behaviour("create-associations")
def test_wrong_shapes(world: World, associations: object) -> None:
    item = {"properties": {"subject": "x"}, "associations": associations}
    response = world.batch("create", [item])

    assert (response.status, response.body["category"]) == (400, "VALIDATION_ERROR")
    assert "Some required fields were not set: [" in response.message
    assert world.sim.store.count("tickets") == 0


@pytest.mark.parametrize("associations", [[], None])
@behaviour("create-associations")
def test_no_associations(world: World, associations: object) -> None:
    item = {"properties": {"subject": "x"}, "associations": associations}

    assert world.batch("create", [item]).status == 201

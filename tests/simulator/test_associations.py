"""Association batches of v4 and the dated versions."""

from collections.abc import Sequence

import pytest

from .behaviours import behaviour
from .conftest import MakeWorld, Response, World


V4 = "/crm/v4/associations"
DATED = "/crm/associations/2026-03"
TICKET_TO_CONTACT = {"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 16}
OWN_LABEL = {"associationCategory": "USER_DEFINED", "associationTypeId": 36}
CONTACT_TO_CONTACT = {
    "associationCategory": "HUBSPOT_DEFINED",
    "associationTypeId": 449,
}


def call(
    world: World,
    verb: str,
    inputs: Sequence[object],
    *,
    base: str = V4,
    pair: str = "tickets/contacts",
) -> Response:
    return world.post(f"{base}/{pair}/batch/{verb}", {"inputs": inputs})


def pair(
    source: str | int,
    target: str | int,
    *types: dict[str, object],
) -> dict[str, object]:
    return {"from": {"id": source}, "to": {"id": target}, "types": list(types)}


@behaviour("associations-create")
def test_create(world: World) -> None:
    """As recorded in 2022: v4 answers with numeric ids and without labels."""
    world.sim.store.define_label("tickets", "contacts", "Reporter")
    ticket, contact = world.ticket(), world.contact()
    v4 = call(world, "create", [pair(int(ticket), contact, TICKET_TO_CONTACT)])
    dated = call(world, "create", [pair(ticket, contact, OWN_LABEL)], base=DATED)

    assert (v4.status, dated.status) == (201, 201)
    assert v4.body["results"] == [
        {
            "fromObjectTypeId": "0-5",
            "fromObjectId": int(ticket),
            "toObjectTypeId": "0-1",
            "toObjectId": int(contact),
            "labels": [],
        }
    ]
    assert dated.body["results"][0]["toObjectId"] == contact
    assert dated.body["results"][0]["labels"] == ["Reporter"]


@behaviour("associations-invalid")
def test_invalid(world: World) -> None:
    """There are three kinds of errors; only the first names its id."""
    first, second = world.contact(), world.contact()
    inputs = [
        pair(first, "unknown_id", CONTACT_TO_CONTACT),
        pair(first, 1234, CONTACT_TO_CONTACT),
        pair(first, first, CONTACT_TO_CONTACT),
        pair(first, second, CONTACT_TO_CONTACT),
    ]
    response = call(world, "create", inputs, pair="contacts/contacts")
    error = {"status": "error", "category": "VALIDATION_ERROR"}

    assert response.status == 207
    assert response.body["numErrors"] == 3
    assert response.body["errors"] == [
        {
            **error,
            "message": "unknown_id is not a valid ID",
            "subCategory": "crm.associations.INVALID_IDENTIFIER",
            "context": {"id": ["unknown_id"]},
        },
        {**error, "message": "CONTACT=1234 is not valid"},
        {
            **error,
            "message": f"Object {first} cannot be associated to itself ({first})",
        },
    ]
    assert [item["toObjectId"] for item in response.body["results"]] == [int(second)]


@behaviour("associations-read")
def test_read_in_both_directions(world: World) -> None:
    world.sim.store.define_label("tickets", "contacts", "Reporter")
    ticket, contact = world.ticket(), world.contact()
    call(world, "create", [pair(ticket, contact, TICKET_TO_CONTACT, OWN_LABEL)])
    there = call(world, "read", [{"id": ticket}])
    back = call(world, "read", [{"id": contact}], base=DATED, pair="0-1/0-5")

    assert there.status == 200
    assert there.body["results"] == [
        {
            "from": {"id": ticket},
            "to": [
                {
                    "toObjectId": int(contact),
                    "associationTypes": [
                        {"category": "HUBSPOT_DEFINED", "typeId": 16, "label": None},
                        {"category": "USER_DEFINED", "typeId": 36, "label": "Reporter"},
                    ],
                }
            ],
        }
    ]
    (linked,) = back.body["results"][0]["to"]
    assert linked["toObjectId"] == ticket
    assert [item["typeId"] for item in linked["associationTypes"]] == [15, 37]


@behaviour("associations-none")
def test_read_of_a_record_without_associations(world: World) -> None:
    """One error for each record, as recorded in 2025."""
    ticket, contact, second = world.ticket(), world.contact(), world.ticket()
    call(world, "create", [pair(ticket, contact, TICKET_TO_CONTACT)])
    response = call(world, "read", [{"id": ticket}, {"id": second}, {"id": second}])

    assert response.status == 207
    assert [item["from"]["id"] for item in response.body["results"]] == [ticket]
    assert response.body["errors"] == [
        {
            "status": "error",
            "category": "OBJECT_NOT_FOUND",
            "subCategory": "crm.associations.NO_ASSOCIATIONS_FOUND",
            "message": f"No contact is associated with ticket {second}.",
            "context": {
                "fromObjectId": [second],
                "fromObjectType": ["ticket"],
                "toObjectType": ["contact"],
            },
        }
    ]


@pytest.mark.parametrize("base", [V4, DATED])
@behaviour("associations-default", "associations-both-directions")
def test_default(world: World, base: str) -> None:
    """One association yields a result for each direction."""
    ticket, contact = world.ticket(), world.contact()
    inputs = [{"from": {"id": ticket}, "to": {"id": contact}}]
    response = call(world, "associate/default", inputs, base=base)
    wrong = call(world, "associate/default", [pair(ticket, "x")], base=base)
    results = sorted(response.body["results"], key=lambda item: item["to"]["id"])
    back, there = results

    assert response.status == 200
    assert there == {
        "from": {"id": ticket},
        "to": {"id": contact},
        "associationSpec": TICKET_TO_CONTACT,
    }
    assert back == {
        "from": {"id": contact},
        "to": {"id": ticket},
        "associationSpec": {**TICKET_TO_CONTACT, "associationTypeId": 15},
    }
    assert (wrong.status, wrong.body["results"]) == (207, [])


@behaviour("associations-both-directions")
def test_directions_come_in_any_order(world: World) -> None:
    """The results of several inputs are shuffled across both directions."""
    ticket = world.ticket()
    inputs = [pair(ticket, world.contact()) for _ in range(10)]
    results = call(world, "associate/default", inputs).body["results"]
    directions = [item["from"]["id"] == ticket for item in results]

    assert len(results) == 20
    assert directions.count(True) == 10
    assert directions not in ([True, False] * 10, [True] * 10 + [False] * 10)


@behaviour("associations-labelled")
def test_a_labelled_association_is_an_unlabelled_one_too(world: World) -> None:
    """In both directions; the answer has only the requested direction."""
    world.sim.store.define_label("tickets", "contacts", "Reporter")
    ticket, contact = world.ticket(), world.contact()
    made = call(world, "create", [pair(ticket, contact, OWN_LABEL)])
    there = call(world, "read", [{"id": ticket}])
    back = call(world, "read", [{"id": contact}], pair="contacts/tickets")

    assert [item["labels"] for item in made.body["results"]] == [["Reporter"]]
    for read, numbers in ((there, [16, 36]), (back, [15, 37])):
        (linked,) = read.body["results"][0]["to"]
        assert [item["typeId"] for item in linked["associationTypes"]] == numbers


@pytest.mark.parametrize(("base", "status"), [(V4, 204), (DATED, 200)])
@behaviour("associations-archive")
def test_archive(world: World, base: str, status: int) -> None:
    """Pairs that are not associated are ignored."""
    ticket, contact = world.ticket(), world.contact()
    call(world, "create", [pair(ticket, contact, TICKET_TO_CONTACT)])
    inputs = [{"from": {"id": ticket}, "to": [{"id": 1234}, {"id": contact}]}]
    response = call(world, "archive", inputs, base=base)

    assert response.status == status
    assert response.reply.answer.content == b"" or response.body["results"] == []
    assert call(world, "read", [{"id": ticket}]).body["results"] == []
    assert call(world, "archive", inputs, base=base).status == status


@behaviour("associations-labels")
def test_archive_of_labels(world: World) -> None:
    world.sim.store.define_label("tickets", "contacts", "Reporter")
    ticket, contact = world.ticket(), world.contact()
    call(world, "create", [pair(ticket, contact, TICKET_TO_CONTACT, OWN_LABEL)])
    response = call(world, "labels/archive", [pair(ticket, contact, OWN_LABEL)])
    (linked,) = call(world, "read", [{"id": ticket}]).body["results"][0]["to"]

    assert response.status == 204
    assert [item["typeId"] for item in linked["associationTypes"]] == [16]


@pytest.mark.parametrize(
    ("verb", "limit"),
    [
        ("create", 2000),
        ("associate/default", 2000),
        ("read", 1000),
        ("archive", 100),
        ("labels/archive", 100),
    ],
)
@behaviour("associations-count")
def test_counts(world: World, verb: str, limit: int) -> None:
    inputs = [{"id": "1", **pair("1", "2", TICKET_TO_CONTACT)}] * limit
    if verb == "archive":
        inputs = [{"from": {"id": "1"}, "to": []}] * limit
    refused = call(world, verb, [*inputs, inputs[0]])

    assert call(world, verb, inputs).status < 300
    assert refused.status == 400
    assert f"supported in a batch is {limit}." in refused.message


@behaviour("associations-window")
def test_windows_are_apart(make_world: MakeWorld) -> None:
    """Association calls have a window of their own and share the daily limit."""
    world = make_world(tier="professional")
    response = call(world, "read", [])
    record = world.batch("read", [])
    limit, left = "X-HubSpot-RateLimit-Max", "X-HubSpot-RateLimit-Remaining"

    assert (response.headers[limit], response.headers[left]) == ("150", "149")
    assert (record.headers[limit], record.headers[left]) == ("190", "189")
    assert record.headers["X-HubSpot-RateLimit-Daily-Remaining"] == "624998"
    for _ in range(149):
        assert call(world, "read", []).status == 200
    assert call(world, "read", []).status == 429
    assert world.batch("read", []).status == 200


@pytest.mark.parametrize(
    ("tier", "limit"),
    [
        ("starter", "100"),
        ("professional", "150"),
        ("enterprise", "150"),
        ("increased", "200"),
        ("oauth", "110"),
    ],
)
@behaviour("associations-window")
def test_windows_by_tier(make_world: MakeWorld, tier: str, limit: str) -> None:
    response = call(make_world(tier=tier), "read", [])

    assert response.headers["X-HubSpot-RateLimit-Max"] == limit


@pytest.mark.parametrize(
    ("verb", "item"),
    [
        ("read", {}),
        ("read", {"id": ["1"]}),
        ("read", "1"),
        ("create", {"from": {"id": "1"}, "to": {"id": "2"}}),
        ("create", {"from": {"id": "1"}, "to": "2", "types": [OWN_LABEL]}),
        ("create", pair("1", "2")),
        ("labels/archive", pair("1", "2")),
        ("create", pair("1", "2", {**OWN_LABEL, "associationTypeId": True})),
        ("create", pair("1", "2", {"associationCategory": "HUBSPOT_DEFINED"})),
        ("create", pair("1", "2", {**OWN_LABEL, "associationCategory": "MINE"})),
        ("associate/default", {"from": {"id": "1"}}),
        ("archive", {"from": {"id": "1"}, "to": {"id": "2"}}),
        ("archive", {"from": {"id": "1"}, "to": [{}]}),
    ],
)
@behaviour("associations-json")
def test_missing_fields(world: World, verb: str, item: object) -> None:
    response = call(world, verb, [item])

    assert (response.status, response.body["category"]) == (400, "VALIDATION_ERROR")
    assert "Some required fields were not set: [" in response.message


@behaviour("associations-json")
def test_no_inputs(world: World) -> None:
    response = world.post(f"{V4}/tickets/contacts/batch/read", [])

    assert response.message.endswith("not set: [inputs]")


@pytest.mark.parametrize("types", ["butterflies/tickets", "tickets/butterflies"])
@behaviour("associations-type")
def test_unknown_type(world: World, types: str) -> None:
    response = call(world, "read", [], pair=types)

    assert response.status == 400
    assert response.message == "Unable to infer object type from: butterflies"


@pytest.mark.parametrize("ours", [True, False])
@behaviour("associations-type-id")
def test_type_ids_belong_to_a_pair_of_types(world: World, *, ours: bool) -> None:
    """Type ids of other object types and undefined labels are refused."""
    ticket, contact = world.ticket(), world.contact()
    number = 16 if ours else 15
    spec = {"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": number}
    response = call(world, "create", [pair(ticket, contact, spec)])
    label = call(world, "create", [pair(ticket, contact, OWN_LABEL)])

    assert response.status == (201 if ours else 207)
    assert label.status == 207
    assert label.body["errors"] == [
        {
            "status": "error",
            "category": "VALIDATION_ERROR",
            "message": "USER_DEFINED associationTypeId=36 is not valid",
        }
    ]


@pytest.mark.parametrize(
    ("pair_of_types", "there", "back"),
    [
        ("contacts/companies", 279, 280),
        ("deals/contacts", 3, 4),
        ("deals/companies", 341, 342),
        ("contacts/tickets", 15, 16),
        ("tickets/companies", 339, 340),
        ("deals/tickets", 27, 28),
        ("deals/line_items", 19, 20),
        ("communications/contacts", 81, 82),
        ("communications/tickets", 83, 84),
        ("communications/deals", 85, 86),
        ("communications/companies", 87, 88),
        ("contacts/contacts", 449, 449),
        ("companies/companies", 450, 450),
        ("deals/deals", 451, 451),
        ("tickets/tickets", 452, 452),
        ("products/line_items", 1, 1),
    ],
)
@behaviour("associations-default", "associations-type-id")
def test_default_types(world: World, pair_of_types: str, there: int, back: int) -> None:
    source, target = pair_of_types.split("/")
    first = world.sim.store.create(source, {}).id
    second = world.sim.store.create(target, {}).id
    response = call(
        world, "associate/default", [pair(first, second)], pair=pair_of_types
    )
    read = call(world, "read", [{"id": second}], pair=f"{target}/{source}")
    (linked,) = read.body["results"][0]["to"]

    types_from = {
        result["from"]["id"]: result["associationSpec"]["associationTypeId"]
        for result in response.body["results"]
    }

    assert types_from == {first: there, second: back}
    assert [each["typeId"] for each in linked["associationTypes"]] == [back]


@pytest.mark.parametrize("archived", ["tickets", "contacts"])
@behaviour("associations-of-archived")
def test_archived_records_have_no_associations(world: World, archived: str) -> None:
    ids = {"tickets": world.ticket(), "contacts": world.contact()}
    call(world, "create", [pair(ids["tickets"], ids["contacts"], TICKET_TO_CONTACT)])
    world.sim.store.archive(archived, ids[archived])
    there = call(world, "read", [{"id": ids["tickets"]}])
    back = call(world, "read", [{"id": ids["contacts"]}], pair="contacts/tickets")

    assert (there.status, there.body["results"]) == (207, [])
    assert (back.status, back.body["results"]) == (207, [])


@pytest.mark.parametrize("verb", ["create", "read"])
@pytest.mark.parametrize("granted", ["tickets", "crm.objects.contacts"])
@behaviour("associations-scopes")
def test_scopes_of_both_types(world: World, verb: str, granted: str) -> None:
    word = "write" if verb == "create" else "read"
    own = granted if granted == "tickets" else f"{granted}.{word}"
    lacking = f"crm.objects.contacts.{word}" if granted == "tickets" else "tickets"
    weak = world.sim.issue_token(scopes=[own])
    strong = world.sim.issue_token(scopes=[own, lacking])
    path = f"{V4}/tickets/contacts/batch/{verb}"
    refused = world.post(path, {"inputs": []}, token=weak)

    assert refused.status == 403
    assert refused.body["errors"][0]["context"]["requiredGranularScopes"] == [lacking]
    assert world.post(path, {"inputs": []}, token=strong).status < 300


@behaviour("associations-kinds")
def test_the_kinds_of_two_types_are_listed(world: World) -> None:
    """In both versions; each direction has its own type ids."""
    number = world.sim.store.define_label("tickets", "contacts", "Reporter")
    answers = [
        world.post(f"{root}/tickets/contacts/labels", method="GET")
        for root in (V4, DATED)
    ]
    back = world.post(f"{V4}/contacts/tickets/labels", method="GET").body["results"]

    assert [item.status for item in answers] == [200, 200]
    assert answers[0].body == answers[1].body
    kinds = answers[0].body["results"]
    assert {"category": "HUBSPOT_DEFINED", "typeId": 16, "label": None} in kinds
    own = {"category": "USER_DEFINED", "typeId": number, "label": "Reporter"}
    assert own in kinds
    assert own not in back
    assert world.post(f"{V4}/tickets/nothing/labels", method="GET").status == 400

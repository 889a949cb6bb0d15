"""All types, lists, v1, v3 associations, memberships, splits, limits and schemas."""

from collections.abc import Mapping
from typing import Any

import pytest

from hubbatch.simulator.wire import iso

from .behaviours import behaviour
from .conftest import MakeWorld, Response, World


STANDARD = {
    "appointments": "0-421",
    "calls": "0-48",
    "carts": "0-142",
    "courses": "0-410",
    "discounts": "0-84",
    "emails": "0-49",
    "feedback_submissions": "0-19",
    "fees": "0-85",
    "goal_targets": "0-74",
    "invoices": "0-53",
    "leads": "0-136",
    "listings": "0-420",
    "meetings": "0-47",
    "notes": "0-46",
    "orders": "0-123",
    "payments": "0-101",
    "postal_mail": "0-116",
    "projects": "0-970",
    "quotes": "0-14",
    "services": "0-162",
    "subscriptions": "0-69",
    "tasks": "0-27",
    "taxes": "0-86",
    "users": "0-115",
}
LISTS = "/crm/v3/lists/records/memberships/batch/read"
LIMITS = "/crm/associations/v4/definitions/configurations/deals/contacts/batch"
SCHEMAS = "/crm-object-schemas/v3/schemas/batch/read"
ALL_OF_IT = {
    "includeAssociationDefinitions": True,
    "includeAuditMetadata": True,
    "includePropertyDefinitions": True,
}
SPLITS = "/crm/objects/v3/deals/splits/batch"


def get(world: World, path: str, query: Mapping[str, str] | None = None) -> Response:
    return world.post(path, method="GET", query=query)


def v1(
    world: World, verb: str, body: object, query: dict[str, str] | None = None
) -> Any:
    path = f"/crm-objects/v1/objects/tickets/batch-{verb}"
    return world.post(path, body, query=query)


# ---- object types


@pytest.mark.parametrize(("name", "type_id"), STANDARD.items())
@behaviour("all-types", "type-names")
def test_every_standard_type(world: World, name: str, type_id: str) -> None:
    record = world.sim.store.create(name, {"hubspot_owner_id": "7"})
    names = ["hubspot_owner_id", "no_such"]
    response = world.batch("read", [{"id": record.id}], type=type_id, properties=names)

    assert response.by_id[record.id]["properties"] == {
        "hs_createdate": iso(record.created),
        "hs_lastmodifieddate": iso(record.updated),
        "hs_object_id": record.id,
        "hubspot_owner_id": "7",
    }


@pytest.mark.parametrize(
    ("name", "verb", "status"),
    [
        ("contracts", "read", 200),
        ("contracts", "create", 404),
        ("payments", "update", 404),
        ("feedback_submissions", "archive", 404),
        ("partner_clients", "update", 200),
        ("partner_services", "upsert", 404),
        ("partner_services", "create", 404),
    ],
)
@behaviour("type-verbs")
def test_verbs_that_a_type_has(world: World, name: str, verb: str, status: int) -> None:
    body: dict[str, list[object]] = {"inputs": []}
    v3 = world.post(f"/crm/v3/objects/{name}/batch/{verb}", body)
    march = world.post(f"/crm/objects/2026-03/{name}/batch/{verb}", body)
    september = world.post(f"/crm/objects/2026-09/{name}/batch/{verb}", body)

    assert (v3.status, march.status) == (status, status)
    assert september.status in {200, 201, 204}


# ---- the list of a type


@behaviour("list-records")
def test_list_in_pages(world: World) -> None:
    made = [world.ticket(subject=str(number)) for number in range(5)]
    path = "/crm/v3/objects/tickets"
    first = get(world, path, {"limit": "3", "properties": "subject,nosuch"})
    after = first.body["paging"]["next"]["after"]
    rest = get(world, path, {"limit": "3", "after": after})
    listed = [item["id"] for item in (*first.body["results"], *rest.body["results"])]

    assert listed == sorted(made, key=int)
    assert "paging" not in rest.body
    assert first.body["results"][0]["properties"]["subject"] == "0"
    assert "content" not in first.body["results"][0]["properties"]
    assert "content" in rest.body["results"][0]["properties"]


@behaviour("list-records")
def test_ten_by_default_and_archived_ones_apart(world: World) -> None:
    for _ in range(11):
        world.ticket()
    world.sim.store.archive("tickets", world.ticket())
    path = "/crm/objects/2026-03/tickets"
    live, gone = get(world, path), get(world, path, {"archived": "true"})

    assert len(live.body["results"]) == 10
    assert [item["archived"] for item in gone.body["results"]] == [True]


@pytest.mark.parametrize(
    "query", [{"limit": "101"}, {"limit": "0"}, {"limit": "x"}, {"after": "x"}]
)
@behaviour("list-records")
def test_invalid_list_queries(world: World, query: dict[str, str]) -> None:
    assert get(world, "/crm/v3/objects/tickets", query).status == 400


# ---- v1


@behaviour("legacy-create")
def test_v1_create(world: World) -> None:
    """Results come in any order; only their values identify the inputs."""
    response = v1(
        world,
        "create",
        [[{"name": "subject", "value": str(number)}] for number in range(20)],
    )
    subjects = [item["properties"]["subject"]["value"] for item in response.body]

    assert response.status == 200
    assert sorted(map(int, subjects)) == [*range(20)]
    assert subjects != [str(number) for number in range(20)]
    assert world.sim.store.count("tickets") == 20


@behaviour("legacy-create", "legacy-invalid", "legacy-unique")
def test_v1_create_is_all_or_nothing(world: World) -> None:
    fine = [{"name": "subject", "value": "x"}]
    ref = [{"name": "hs_external_object_ids", "value": "R"}]
    bad = v1(world, "create", [fine, [{"name": "nosuch", "value": "x"}]])
    taken = v1(world, "create", [ref, ref])

    assert (bad.status, taken.status) == (400, 400)
    assert world.sim.store.count("tickets") == 0


@behaviour("legacy-read")
def test_v1_read(world: World) -> None:
    ticket = int(world.ticket(subject="x", content="y"))
    gone = int(world.ticket(subject="z"))
    world.sim.store.archive("tickets", gone)
    ids = {"ids": [ticket, gone, 1]}
    plain = v1(world, "read", ids)
    read = v1(world, "read", ids, {"properties": "subject&content"})
    all_of_them = v1(world, "read", ids, {"includeDeletes": "true"})

    assert [*plain.body] == [str(ticket)]
    assert "subject" not in plain.body[str(ticket)]["properties"]
    assert read.body[str(ticket)]["properties"]["content"]["value"] == "y"
    assert all_of_them.body[str(gone)]["isDeleted"] is True
    commas = v1(world, "read", ids, {"properties": "subject,content"})
    assert "subject" not in commas.body[str(ticket)]["properties"]


@behaviour("legacy-delete")
def test_v1_delete(world: World) -> None:
    ticket = world.ticket()
    response = v1(world, "delete", {"ids": [int(ticket), 1]})

    assert (response.status, response.body) == (204, b"")
    assert world.sim.store.count("tickets") == 0


@pytest.mark.parametrize(
    ("verb", "body"),
    [
        ("create", {"inputs": []}),
        ("create", [{"name": "subject"}]),
        ("create", [[{"name": "subject"}]]),
        ("read", [1]),
        ("read", {"ids": ["1"]}),
        ("read", {"ids": [True]}),
        ("delete", {"ids": 1}),
        ("delete", {"ids": [*range(101)]}),
        ("create", [[]] * 101),
    ],
)
@behaviour("legacy-json", "legacy-count")
def test_v1_invalid_bodies(world: World, verb: str, body: object) -> None:
    assert v1(world, verb, body).status == 400


# ---- associations


@behaviour("associations-pages", "quirk-associations-page")
def test_pages_of_associations(world: World) -> None:
    world.sim.faults.set(associations_page=2)
    ticket = world.ticket()
    contacts = [world.contact() for _ in range(3)]
    path = "/crm/v4/associations/tickets/contacts/batch"
    world.post(
        f"{path}/associate/default",
        {"inputs": [{"from": {"id": ticket}, "to": {"id": item}} for item in contacts]},
    )
    first = world.post(f"{path}/read", {"inputs": [{"id": ticket}]})
    (page,) = first.body["results"]
    after = page["paging"]["next"]["after"]
    last = world.post(f"{path}/read", {"inputs": [{"id": ticket, "after": after}]})
    (rest,) = last.body["results"]

    assert (len(page["to"]), len(rest["to"]), "paging" in rest) == (2, 1, False)
    assert {str(to["toObjectId"]) for to in (*page["to"], *rest["to"])} == {*contacts}
    odd = world.post(f"{path}/read", {"inputs": [{"id": ticket, "after": "x"}]})
    assert odd.status == 400


@behaviour("associations-v3", "associations-invalid", "associations-both-directions")
def test_associations_of_v3(world: World) -> None:
    ticket, contact = world.ticket(), world.contact()
    path = "/crm/v3/associations/tickets/contacts/batch"
    item = {"from": {"id": ticket}, "to": {"id": contact}, "type": "ticket_to_contact"}
    made = world.post(f"{path}/create", {"inputs": [item]})
    read = world.post(f"{path}/read", {"inputs": [{"id": ticket}]})
    gone = world.post(f"{path}/archive", {"inputs": [item]})
    invalid = world.post(f"{path}/read", {"inputs": [{"id": ticket}]})

    back = {"from": {"id": contact}, "to": {"id": ticket}, "type": "contact_to_ticket"}
    assert made.status == 201
    assert sorted(made.body["results"], key=str) == sorted([item, back], key=str)
    assert read.body["results"][0]["to"] == [
        {"id": contact, "type": "ticket_to_contact"}
    ]
    assert (gone.status, invalid.status) == (204, 207)


@behaviour("associations-v3", "associations-json", "associations-count")
def test_associations_of_v3_that_are_refused(world: World) -> None:
    ticket = world.ticket()
    path = "/crm/v3/associations/tickets/contacts/batch"
    unnamed = {"from": {"id": ticket}, "to": {"id": "1"}, "type": "no_such"}
    gone = {"from": {"id": ticket}, "to": {"id": "1"}, "type": "ticket_to_contact"}
    response = world.post(f"{path}/create", {"inputs": [unnamed, gone]})

    assert (response.status, response.body["numErrors"]) == (207, 2)
    bodies: list[tuple[str, object]] = [
        ("create", {"inputs": [{"from": {"id": "1"}, "to": {"id": "2"}}]}),
        ("create", []),
        ("read", {"inputs": [{}]}),
        ("archive", {"inputs": [gone] * 101}),
    ]
    for verb, body in bodies:
        assert world.post(f"{path}/{verb}", body).status == 400


# ---- lists and deal splits


@pytest.mark.parametrize("path", [LISTS, LISTS.replace("v3/lists", "lists/2026-03")])
@behaviour("memberships")
def test_lists_of_a_record(world: World, path: str) -> None:
    contact, other = world.contact(), world.contact()
    world.sim.store.put_on_list("contacts", contact, 7)
    inputs = [
        {"objectTypeId": "0-1", "recordId": item} for item in (contact, other, "1")
    ]
    response = world.post(path, {"inputs": inputs})
    lists = {
        item["recordId"]: item["recordListMemberships"]
        for item in response.body["results"]
    }

    assert response.status == 207
    assert [item["listId"] for item in lists[contact]] == ["7"]
    assert lists[other] == []
    assert response.body["errors"][0]["context"]["ids"] == ["1"]


CALLING = "/crm/extensions/calling/v3/connection-statuses/batch/read"


@behaviour("connection-statuses")
def test_connections_of_users_to_calling_apps(world: World) -> None:
    owner = world.sim.store.owners.add("ada@example.com")
    inputs = [{"id": str(owner.user_id)}, {"id": "1"}, {"id": str(owner.user_id)}]
    response = world.post(CALLING, {"inputs": inputs})

    assert response.status == 200
    assert response.body == {
        "results": [{"userId": owner.user_id, "status": "DISCONNECTED"}]
    }
    for wrong in ("1", {"id": 1}, {}):
        assert world.post(CALLING, {"inputs": [wrong]}).status == 400


@behaviour("properties-2027")
@pytest.mark.parametrize("version", ["2027-03-beta", "2027-03"])
def test_properties_of_2027(world: World, version: str) -> None:
    root = f"/crm/schemas/{version}/objects/tickets/properties"
    read = world.post(f"{root}/batch/read", {"inputs": [{"name": "subject"}]})
    former = world.post(f"/crm/properties/{version}/tickets/batch/read", {"inputs": []})

    assert read.status == 200
    assert [one["name"] for one in read.body["results"]] == ["subject"]
    assert former.status == 501


@pytest.mark.parametrize("path", [SPLITS, "/deal-splits/2026-03/batch"])
@behaviour("deal-splits")
def test_splits_of_a_deal(world: World, path: str) -> None:
    deal = world.sim.store.create("deals", {}).id
    halves = [{"ownerId": 1, "percentage": 50}, {"ownerId": 2, "percentage": 50.0}]
    made = world.post(
        f"{path}/upsert",
        {
            "inputs": [
                {"id": int(deal), "splits": halves},
                {"id": 1, "splits": halves},
                {"id": int(deal), "splits": halves[:1]},
            ]
        },
    )
    read = world.post(f"{path}/read", {"inputs": [{"id": deal}, {"id": "1"}]})

    assert (made.status, made.body["numErrors"]) == (207, 2)
    assert (read.status, read.body["numErrors"]) == (207, 1)
    for response in (made, read):
        (result,) = response.body["results"]
        owners = {item["properties"]["hubspot_owner_id"] for item in result["splits"]}
        assert (result["id"], owners) == (deal, {"1", "2"})
    fine = world.post(f"{path}/read", {"inputs": [{"id": deal}]})
    assert fine.status == 200


# ---- association limits and schemas


@pytest.mark.parametrize("version", ["v4", "2026-03"])
@behaviour("limits")
def test_limits_of_associations(world: World, version: str) -> None:
    path = LIMITS.replace("v4", version)
    label = world.sim.store.define_label("deals", "contacts", "Buyer")
    spec = {"category": "USER_DEFINED", "typeId": label}
    default = {"category": "HUBSPOT_DEFINED", "typeId": 3}
    valid, invalid = {**spec, "maxToObjectIds": 1}, {**default, "maxToObjectIds": 0}
    early = world.post(f"{path}/update", {"inputs": [valid]})
    made = world.post(f"{path}/create", {"inputs": [valid]})
    again = world.post(f"{path}/create", {"inputs": [valid, invalid]})
    two = {**spec, "maxToObjectIds": 2}
    changed = world.post(f"{path}/update", {"inputs": [two]})
    strange = world.post(f"{path}/create", {"inputs": [{**two, "typeId": 999}]})
    gone = world.post(f"{path}/purge", {"inputs": [spec, {**spec, "typeId": 999}]})

    shown = {**spec, "userEnforcedMaxToObjectIds": 1, "label": "Buyer"}
    assert (made.status, made.body["results"]) == (201, [shown])
    del shown["label"]
    shown["userEnforcedMaxToObjectIds"] = 2
    assert (changed.status, changed.body["results"]) == (200, [shown])
    for refused in (early, again, strange):
        assert (refused.status, refused.body["results"]) == (207, [])
    assert [item["category"] for item in again.body["errors"]] == [
        "OBJECT_ALREADY_EXISTS",
        "VALIDATION_ERROR",
    ]
    assert strange.body["errors"][0]["context"] == {"typeId": ["999"]}
    if version == "v4":
        assert (gone.status, gone.body) == (204, b"")
    else:
        assert (gone.status, gone.body["results"]) == (200, [])
    assert world.post(f"{path}/update", {"inputs": [valid]}).status == 207


@pytest.mark.parametrize("path", [SCHEMAS, SCHEMAS.replace("v3", "2026-03")])
@behaviour("schemas")
def test_schemas_of_types(world: World, path: str) -> None:
    car = world.sim.store.define("car", ["colour"], required=["colour"])
    name = f"p{world.sim.store.portal_id}_car"
    response = world.post(path, {"inputs": ["0-3", name, "nosuch"], **ALL_OF_IT})
    bare = world.post(
        path, {"inputs": [car.id], **dict.fromkeys(ALL_OF_IT, False)}
    ).body["results"]

    schemas = {item["objectTypeId"]: item for item in response.body["results"]}
    assert (response.status, {*schemas}) == (200, {"0-3", car.id})
    assert schemas[car.id]["fullyQualifiedName"] == name
    assert schemas[car.id]["requiredProperties"] == ["colour"]
    assert "colour" in {item["name"] for item in schemas[car.id]["properties"]}
    assert {item["id"] for item in schemas["0-3"]["associations"]} >= {"3", "5", "451"}
    assert "createdAt" in schemas["0-3"]
    assert (bare[0]["properties"], bare[0]["associations"]) == ([], [])
    assert "createdAt" not in bare[0]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (LISTS, {}),
        (f"{LIMITS}/create", {}),
        (f"{LIMITS}/create", {"inputs": [{"category": "WORK", "typeId": 1}]}),
        (f"{LIMITS}/purge", {"inputs": [{"category": "WORK", "typeId": 2**31}]}),
        (f"{LIMITS}/purge", {"inputs": [{"category": "MINE", "typeId": 1}]}),
        (f"{LIMITS}/purge".replace("contacts", "x"), {"inputs": []}),
        (SCHEMAS, {"inputs": [{"id": "0-1"}], **ALL_OF_IT}),
        (SCHEMAS, {"inputs": ["0-1"]}),
        (LISTS, {"inputs": [{"recordId": "1"}]}),
        (LISTS, {"inputs": [{"objectTypeId": "contacts", "recordId": "1"}]}),
        (LISTS, {"inputs": [{"objectTypeId": "0-1", "recordId": "1"}] * 101}),
        (f"{SPLITS}/read", {"inputs": [{"id": 1}]}),
        (f"{SPLITS}/upsert", {"inputs": [{"id": "1", "splits": []}]}),
        (f"{SPLITS}/upsert", {"inputs": [{"id": 1, "splits": [{"ownerId": 1}]}]}),
    ],
)
@behaviour("lists-json")
def test_invalid_bodies(world: World, path: str, body: object) -> None:
    assert world.post(path, body).status == 400


@behaviour("type-verbs")
def test_deal_splits_need_deals(make_world: MakeWorld) -> None:
    """Other object types do not have the path."""
    world = make_world()
    path = "/crm/objects/v3/tickets/splits/batch/read"

    assert world.post(path, {"inputs": []}).status == 404

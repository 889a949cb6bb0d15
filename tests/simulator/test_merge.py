"""Merges, and contacts deleted for good."""

import pytest

from .behaviours import behaviour
from .conftest import Response, World
from .test_record_associations import link
from .test_single import SEPTEMBER, V3, assert_not_found, create, get, patch


def merge(world: World, kind: str, primary: object, other: object) -> Response:
    body = {"primaryObjectId": primary, "objectIdToMerge": other}
    return world.post(f"{V3}/{kind}/merge", body)


@behaviour("merge")
def test_the_survivor_has_a_new_id(world: World) -> None:
    """Both old ids lead to it in reads; batch updates of them say nothing."""
    primary = world.contact(email="a@x.org", firstname="Ada")
    other = world.contact(email="b@x.org", firstname="Eve")
    response = merge(world, "contacts", primary, int(other))
    new = response.body["id"]
    shown = [
        get(world, f"contacts/{key}", properties="firstname,hs_merged_object_ids").body
        for key in (primary, other, new)
    ]
    by_email = get(world, "contacts/b@x.org", idProperty="email").body
    changes = [{"id": key, "properties": {"phone": "1"}} for key in (primary, other)]
    updated = world.batch("update", changes, type="contacts")

    assert response.status == 200
    assert new not in {primary, other}
    assert [each["id"] for each in shown] == [new] * 3
    assert shown[0]["properties"]["firstname"] == "Ada"
    merged = shown[0]["properties"]["hs_merged_object_ids"].split(";")
    assert sorted(merged) == sorted([primary, other])
    assert by_email["id"] == new
    assert (updated.status, updated.body["results"]) == (200, [])
    assert_not_found(patch(world, f"contacts/{other}", {"phone": "1"}))
    assert get(world, "contacts", archived="true").body["results"] == []


@behaviour("quirk-primary-id-preservation")
def test_the_primary_id_can_stay(world: World) -> None:
    world.sim.faults.set(primary_id_preservation=True)
    primary, other = world.ticket(subject="a"), world.ticket(subject="b")

    assert merge(world, "tickets", primary, other).body["id"] == primary
    assert get(world, f"tickets/{other}").body["id"] == primary
    assert world.sim.store.count("tickets") == 1


@behaviour("quirk-answer-merged")
def test_updates_of_merged_ids_can_be_answered(world: World) -> None:
    world.sim.faults.set(answer_merged=True)
    primary, other = world.contact(), world.contact()
    new = merge(world, "contacts", primary, other).body["id"]
    change = {"id": other, "properties": {"phone": "1"}}
    batch = world.batch("update", [change], type="contacts")
    twice = world.batch("update", [change, {**change, "id": new}], type="contacts")
    single = patch(world, f"contacts/{primary}", {"phone": "2"})
    record = world.sim.store.get("contacts", new)

    assert [*batch.by_id] == [new]
    assert (single.status, single.body["id"]) == (200, new)
    assert twice.message.startswith("Duplicate IDs found in batch input")
    assert record is not None
    assert record.properties["phone"] == "2"


@behaviour("merge")
def test_a_merge_keeps_associations_and_lists(world: World) -> None:
    primary, other = world.contact(), world.contact()
    tickets = sorted((world.ticket(), world.ticket()), key=int)
    for contact, ticket in zip((primary, other), tickets, strict=True):
        link(world, ("0-1", contact), ("0-5", ticket))
        world.sim.store.put_on_list("contacts", contact, 7)
    new = merge(world, "contacts", primary, other).body["id"]
    body = get(world, f"contacts/{new}", associations="tickets").body
    back = get(world, f"tickets/{tickets[1]}", associations="contacts").body

    assert [
        item["id"] for item in body["associations"]["tickets"]["results"]
    ] == tickets
    assert back["associations"]["contacts"]["results"][0]["id"] == new
    assert [*world.sim.store.lists.by_id["7"].members] == [new]


@behaviour("merge")
def test_types_that_merge(world: World) -> None:
    """Before 2026-09 only some."""
    store = world.sim.store
    primary, other = (store.create("products", {}).id for _ in range(2))
    body = {"primaryObjectId": primary, "objectIdToMerge": other}

    assert world.post(f"{V3}/products/merge", body).status == 404
    assert world.post("/crm/objects/2026-03/products/merge", body).status == 404
    assert store.count("products") == 2
    assert world.post(f"{SEPTEMBER}/products/merge", body).status == 200
    assert store.count("products") == 1


@behaviour("merge")
def test_merges_that_are_refused(world: World) -> None:
    """A repeated merge, too: its records are merged already."""
    primary, other = world.contact(), world.contact()
    itself = merge(world, "contacts", primary, primary)
    unknown = merge(world, "contacts", primary, "1")
    empty = world.post(f"{V3}/contacts/merge", {})
    merge(world, "contacts", primary, other)
    again = merge(world, "contacts", primary, other)

    assert (itself.status, unknown.status, empty.status) == (400, 404, 400)
    assert (again.status, again.body["category"]) == (404, "OBJECT_NOT_FOUND")
    assert world.sim.store.count("contacts") == 1


# ---- gdpr-delete


@behaviour("gdpr-delete")
def test_a_contact_deleted_for_good(world: World) -> None:
    """It is not archived either, and its address is free."""
    contact, ticket = world.contact(email="a@x.org"), world.ticket()
    link(world, ("0-1", contact), ("0-5", ticket))
    path = f"{V3}/contacts/gdpr-delete"
    by_email = {"objectId": "a@x.org", "idProperty": "email"}
    answers = [world.post(path, by_email) for _ in range(2)]
    answers.append(world.post(path, {"objectId": 1234567890}))

    assert [response.status for response in answers] == [204] * 3
    assert_not_found(get(world, f"contacts/{contact}"))
    assert_not_found(get(world, f"contacts/{contact}", archived="true"))
    assert (
        "associations"
        not in get(world, f"tickets/{ticket}", associations="contacts").body
    )
    assert create(world, "contacts", email="a@x.org").status == 201


@behaviour("gdpr-delete")
def test_gdpr_deletes_that_are_refused(world: World) -> None:
    ticket, path = world.ticket(), f"{V3}/contacts/gdpr-delete"
    wrong = {"objectId": "x", "idProperty": "firstname"}

    assert world.post(path, {}).status == 400
    assert world.post(path, wrong).status == 400
    for base in (V3, "/crm/objects/2026-03"):
        refused = world.post(f"{base}/tickets/gdpr-delete", {"objectId": ticket})
        assert refused.status == 404
    assert world.sim.store.count("tickets") == 1


@pytest.mark.parametrize("name", ["tickets", "companies", "0-3"])
@behaviour("gdpr-delete")
def test_gdpr_deletes_that_the_simulator_lacks(world: World, name: str) -> None:
    """The specification of 2026-09 has them, so that a 404 would mislead."""
    record = world.sim.store.create(name, {}).id
    path = f"/crm/objects/2026-09/{name}/gdpr-delete"
    response = world.post(path, {"objectId": record})

    assert response.status == 501
    assert "does not have gdpr-delete of" in response.message
    assert world.sim.store.count(name) == 1

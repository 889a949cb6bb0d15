"""Object types: list, read, create, change, archive, and their associations."""

from typing import Any

import pytest

from .behaviours import behaviour
from .conftest import World


PATHS = (
    "/crm/v3/schemas",
    "/crm-object-schemas/v3/schemas",
    "/crm-object-schemas/2026-09/schemas",
)
NAME = {"name": "name", "label": "Name", "type": "string", "fieldType": "text"}
SAILS = {"name": "sails", "label": "Sails", "type": "number", "fieldType": "number"}
BOAT = {
    "name": "Boat",
    "labels": {"singular": "Boat", "plural": "Boats"},
    "properties": [NAME, SAILS],
    "requiredProperties": ["name"],
    "searchableProperties": ["name"],
    "primaryDisplayProperty": "name",
    "associatedObjects": ["CONTACT", "0-2"],
}


@pytest.mark.parametrize("path", PATHS)
@behaviour("schemas-list")
def test_no_object_type_of_its_own(world: World, path: str) -> None:
    assert world.get(path).body == {"results": []}


@pytest.mark.parametrize("path", PATHS)
@behaviour("schemas-read")
def test_a_type_by_any_name(world: World, path: str) -> None:
    boat = world.sim.store.define("boat", ["sails"])

    for name in (boat.id, "boat", "BOATS", "p_boat", "p62515_boat"):
        assert world.get(f"{path}/{name}").body["objectTypeId"] == boat.id
    assert world.get(f"{path}/0-3").body["fullyQualifiedName"] == "DEAL"
    unknown = world.get(f"{path}/butterflies")
    assert unknown.status == 400
    assert unknown.message == "Unable to infer object type from: butterflies"


@behaviour("schemas-read")
def test_parts_of_a_schema_can_be_left_out(world: World) -> None:
    world.sim.store.define("boat", ["sails"])
    bare = world.get(
        f"{PATHS[0]}/boat",
        includePropertyDefinitions="false",
        includeAssociationDefinitions="false",
        includeAuditMetadata="true",
    ).body

    assert (bare["properties"], bare["associations"]) == ([], [])
    assert bare["createdByUserId"] == bare["updatedByUserId"]
    assert "createdByUserId" not in world.get(f"{PATHS[0]}/boat").body


@pytest.mark.parametrize("path", PATHS)
@behaviour("schemas-write")
def test_a_new_type(world: World, path: str) -> None:
    """It can be used at once: its records, properties, associations and search."""
    made = world.post(path, BOAT)
    type_id = made.body["objectTypeId"]
    boat = [{"properties": {"name": "Argo", "sails": "2"}}]
    (record,) = world.batch("create", boat, type="p_boat").body["results"]
    nameless = world.batch("create", [{"properties": {"sails": 1}}], type=type_id)
    found = world.post(f"/crm/v3/objects/{type_id}/search", {"query": "argo"})
    other = world.post(f"/crm/v3/objects/{type_id}/search", {"query": "2"})
    ends = {
        (a["fromObjectTypeId"], a["toObjectTypeId"]) for a in made.body["associations"]
    }

    assert made.status == 201
    assert made.body["metaType"] == "PORTAL_SPECIFIC"
    assert world.get(f"{path}/boat").body == made.body
    assert "Some required properties were not set" in nameless.message
    assert [hit["id"] for hit in found.body["results"]] == [record["id"]]
    assert other.body["total"] == 0
    for target in ("0-1", "0-2", "0-27", "0-46", "0-47", "0-48", "0-49"):
        assert {(type_id, target), (target, type_id)} <= ends
    assert ("0-3", type_id) not in ends


@behaviour("schemas-write")
def test_the_associations_of_a_new_type_can_be_written(world: World) -> None:
    made = world.post(PATHS[0], BOAT).body
    (number,) = [
        int(each["id"])
        for each in made["associations"]
        if (each["fromObjectTypeId"], each["toObjectTypeId"])
        == (made["objectTypeId"], "0-1")
    ]
    boat = world.sim.store.create("boat", {"name": "Argo"}).id
    contact = world.contact()
    path = f"/crm/v4/objects/boat/{boat}/associations/contacts/{contact}"
    spec = {"associationCategory": "USER_DEFINED", "associationTypeId": number}
    response = world.post(path, [spec], method="PUT")

    assert response.status == 201


@behaviour("schemas-write")
def test_a_type_is_changed(world: World) -> None:
    made = world.post(PATHS[0], {**BOAT, "description": "Floats"}).body
    world.clock.at += 5
    changes = {
        "labels": {"plural": "Fleet"},
        "requiredProperties": ["name", "sails"],
        "clearDescription": True,
    }
    changed = world.post(f"{PATHS[0]}/boat", changes, method="PATCH")

    assert changed.status == 200
    assert changed.body["labels"] == {"singular": "Boat", "plural": "Fleet"}
    assert changed.body["requiredProperties"] == ["name", "sails"]
    assert changed.body["searchableProperties"] == ["name"]
    assert changed.body["portalId"] == 62515
    assert "description" not in changed.body
    assert changed.body["updatedAt"] > made["updatedAt"] == made["createdAt"]


@behaviour("schemas-write", "schemas-list", "schemas-refused")
def test_a_type_is_archived_and_then_deleted(world: World) -> None:
    """Its records must be gone first, and its name is taken until it is deleted."""
    path = f"{PATHS[0]}/boat"
    type_id = world.post(PATHS[0], BOAT).body["objectTypeId"]
    record = world.sim.store.create("boat", {"name": "Argo"}).id
    used = world.post(path, method="DELETE")
    early = world.post(path, method="DELETE", query={"archived": "true"})
    world.sim.store.archive("boat", record)
    gone = world.post(path, method="DELETE")
    listed = world.get(PATHS[0], archived="true").body["results"]
    taken = world.post(PATHS[0], BOAT)
    purged = world.post(path, method="DELETE", query={"archived": "true"})

    assert (used.status, early.status) == (400, 400)
    assert (gone.status, gone.body, purged.status) == (204, b"", 204)
    assert [(each["objectTypeId"], each["archived"]) for each in listed] == [
        (type_id, True)
    ]
    assert (taken.status, taken.body["category"]) == (409, "OBJECT_ALREADY_EXISTS")
    assert world.get(path).status == 400
    assert world.get(f"/crm/v3/objects/{type_id}").status == 400
    assert world.post(PATHS[0], BOAT).status == 201


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"name": None}, "[name]"),
        ({"labels": None}, "[labels]"),
        ({"labels": {"one": "Boat"}}, "[labels]"),
        ({"properties": None}, "[properties]"),
        ({"properties": [{"name": "name"}]}, "properties.label"),
        ({"properties": [NAME, NAME]}, "same name"),
        ({"properties": [{**NAME, "fieldType": "date"}]}, "[fieldType]"),
        ({"requiredProperties": ["mast"]}, 'Property "mast" does not exist'),
        ({"primaryDisplayProperty": "mast"}, 'Property "mast" does not exist'),
        ({"searchableProperties": "name"}, "[searchableProperties]"),
        ({"searchableProperties": {}}, "[searchableProperties]"),
        ({"associatedObjects": ["butterflies"]}, "butterflies"),
        ({"associatedObjects": "CONTACT"}, "[associatedObjects]"),
        ({"name": "2 boats"}, "'2 boats'"),
        ({"description": 5}, "[description]"),
    ],
)
@behaviour("schemas-refused")
def test_refused_types(world: World, changes: dict[str, Any], named: str) -> None:
    response = world.post(PATHS[0], {**BOAT, **changes})

    assert response.status == 400
    assert named in response.message
    assert world.get(PATHS[0]).body == {"results": []}


@pytest.mark.parametrize("name", ["boat", "BOAT", "contact", "deals", "company"])
@behaviour("schemas-refused")
def test_a_name_that_exists(world: World, name: str) -> None:
    world.post(PATHS[0], BOAT)

    assert world.post(PATHS[0], {**BOAT, "name": name}).status == 409


@pytest.mark.parametrize("method", ["PATCH", "DELETE"])
@behaviour("schemas-refused")
def test_types_of_hubspot_cannot_be_changed(world: World, method: str) -> None:
    response = world.post(f"{PATHS[0]}/contacts", {}, method=method)

    assert (response.status, response.body["category"]) == (400, "VALIDATION_ERROR")


@behaviour("schemas-associations")
def test_an_association_is_defined_and_removed(world: World) -> None:
    type_id = world.post(PATHS[0], BOAT).body["objectTypeId"]
    path = f"{PATHS[0]}/boat/associations"
    wanted = {"fromObjectTypeId": type_id, "toObjectTypeId": "0-3", "name": "charter"}
    made = world.post(path, wanted)
    again = world.post(path, wanted)
    foreign = world.post(path, {**wanted, "fromObjectTypeId": "0-1", "name": "x"})
    shown = world.get(f"{PATHS[0]}/boat").body["associations"]
    of_both = [each for each in shown if each["name"] == "charter"]
    back = next(each for each in of_both if each["fromObjectTypeId"] == "0-3")
    gone = world.post(f"{path}/{back['id']}", method="DELETE")

    assert made.status == 201
    assert made.body in of_both
    assert len(of_both) == 2
    assert (again.status, foreign.status) == (400, 400)
    assert (gone.status, gone.body) == (204, b"")
    assert not [
        each
        for each in world.get(f"{PATHS[0]}/boat").body["associations"]
        if each["name"] == "charter"
    ]
    assert world.post(f"{path}/{back['id']}", method="DELETE").status == 404


@behaviour("schemas-scopes")
def test_scopes_to_read_and_write(world: World) -> None:
    reader = world.sim.issue_token(scopes=["crm.schemas.custom.read"])
    app = world.sim.issue_token(scopes=["oauth"])
    refused = world.post(PATHS[0], BOAT, token=reader)

    assert world.get(PATHS[0], token=reader).status == 200
    assert world.get(f"{PATHS[0]}/contacts", token=app).status == 200
    assert world.get(PATHS[0], token=app).status == 403
    assert refused.status == 403
    assert refused.body["context"]["requiredGranularScopes"] == ["custom-object-write"]

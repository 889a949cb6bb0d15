"""The groups of properties."""

import json

import pytest

from .behaviours import behaviour
from .conftest import Response, World
from .test_single_properties import AGE, CONTACTS


NEW = {
    "name": "integrationcreatedproperties",
    "label": "Integration Created Properties",
}


def send(world: World, method: str, name: str = "", body: object = None) -> Response:
    return world.post(f"{CONTACTS}/groups{name and f'/{name}'}", body, method=method)


@pytest.mark.parametrize("base", ["v3/properties", "properties/2026-09"])
@behaviour("groups")
def test_create(world: World, base: str) -> None:
    """As recorded in 2026."""
    path = f"/crm/{base}/contacts/groups"
    before = world.post(path, method="GET").body["results"]
    response = world.post(path, NEW)
    listed = world.post(path, method="GET").body["results"]

    assert response.status == 201
    assert [*response.body] == ["name", "label", "displayOrder", "archived"]
    assert response.body == {**NEW, "displayOrder": len(before), "archived": False}
    assert listed == [*before, response.body]
    assert world.post(f"{path}/{NEW['name']}", method="GET").body == response.body
    assert {"contactinformation", "sales_properties"} < {
        each["name"] for each in listed
    }


@behaviour("groups")
def test_change(world: World) -> None:
    send(world, "POST", body={**NEW, "displayOrder": 2})
    response = send(world, "PATCH", NEW["name"], {"label": "Ours", "name": "other"})

    assert response.status == 200
    assert response.body == {
        "name": NEW["name"],
        "label": "Ours",
        "displayOrder": 2,
        "archived": False,
    }
    assert send(world, "GET", NEW["name"]).body == response.body


@behaviour("groups-of-properties")
def test_a_group_with_properties(world: World) -> None:
    """Recorded in 2026: the message is the JSON of an error."""
    send(world, "POST", body=NEW)
    world.post(CONTACTS, {**AGE, "groupName": NEW["name"]})
    refused = send(world, "DELETE", NEW["name"])
    correlation = refused.body["correlationId"]

    assert refused.status == 400
    assert refused.body.keys() == {"status", "message", "correlationId"}
    assert json.loads(refused.message) == {
        "status": "error",
        "message": "Can't delete or purge a group with active properties",
        "correlationId": correlation,
        "category": "VALIDATION_ERROR",
        "subCategory": "PropertyGroupError.GROUP_WITH_ACTIVE_PROPERTIES",
    }

    world.post(f"{CONTACTS}/age__c", method="DELETE")

    assert send(world, "DELETE", NEW["name"]).status == 204
    assert send(world, "GET", NEW["name"]).status == 404
    # A definition without its group is not restored.
    assert world.post(CONTACTS, {**AGE, "groupName": NEW["name"]}).status == 400


@behaviour("groups")
def test_a_name_that_exists(world: World) -> None:
    send(world, "POST", body=NEW)
    for name in (NEW["name"], "contactinformation"):
        response = send(world, "POST", body={**NEW, "name": name})

        assert response.status == 409
        assert response.body["category"] == "OBJECT_ALREADY_EXISTS"


@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
@behaviour("groups")
def test_a_group_that_does_not_exist(world: World, method: str) -> None:
    response = send(world, method, "no_such", {"label": "x"})

    assert (response.status, response.body["category"]) == (404, "OBJECT_NOT_FOUND")


@pytest.mark.parametrize(
    "body",
    [
        {"name": "x"},
        {"label": "x"},
        {"name": "My group", "label": "x"},
        {**NEW, "displayOrder": "first"},
        [],
    ],
)
@behaviour("groups")
def test_groups_that_are_refused(world: World, body: object) -> None:
    assert send(world, "POST", body=body).status == 400


@behaviour("groups")
def test_hubspots_own_groups_do_not_change(world: World) -> None:
    assert send(world, "PATCH", "contactinformation", {"label": "x"}).status == 400
    assert send(world, "DELETE", "contactinformation").status == 400


@behaviour("groups")
def test_scopes_of_groups(world: World) -> None:
    token = world.sim.issue_token(scopes=["crm.objects.contacts.read"])
    path = f"{CONTACTS}/groups"

    assert world.post(path, method="GET", token=token).status == 200
    assert world.post(path, NEW, token=token).status == 403

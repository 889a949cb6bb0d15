"""Association labels of the account's own, and the list of limits."""

from typing import Any

import pytest

from .behaviours import behaviour
from .conftest import Response, World


# v4 has two spellings: HubSpot's client for Node contains both.
BASES = ("/crm/v4/associations", "/crm/associations/v4", "/crm/associations/2026-09")
PATH = "contacts/companies/labels"


def call(
    world: World, method: str, path: str, body: object = None, base: str = BASES[0]
) -> Response:
    return world.post(f"{base}/{path}", body, method=method)


def own(world: World, path: str = PATH) -> list[dict[str, Any]]:
    """Return the labels that are not HubSpot's."""
    results = call(world, "GET", path).body["results"]
    return [each for each in results if each["category"] == "USER_DEFINED"]


@pytest.mark.parametrize("base", BASES)
@behaviour("label-create")
def test_a_label(world: World, base: str) -> None:
    """It has a type in each direction, and its name is that of v3's associations."""
    body = {"label": "Employee", "name": "employer", "inverseLabel": "Employer"}
    made = call(world, "POST", PATH, body, base)
    forth, back = made.body["results"]
    contact = world.contact()
    company = world.sim.store.create("companies", {}).id
    spec = {"associationCategory": "USER_DEFINED", "associationTypeId": forth["typeId"]}
    linked = f"/crm/v4/objects/contacts/{contact}/associations/companies/{company}"
    world.post(linked, [spec], method="PUT")
    query = {"associations": "companies"}
    path = f"/crm/v3/objects/contacts/{contact}"
    read = world.post(path, method="GET", query=query).body

    assert made.status == 200
    assert (forth["label"], back["label"]) == ("Employee", "Employer")
    assert own(world) == [forth]
    assert own(world, "companies/contacts/labels") == [back]
    kinds = {item["type"] for item in read["associations"]["companies"]["results"]}
    assert kinds == {"employer", "contact_to_company_unlabeled"}


@behaviour("label-update")
def test_a_changed_label(world: World) -> None:
    made = call(world, "POST", PATH, {"label": "Partner", "name": "partner"})
    forth, back = made.body["results"]
    change = {"associationTypeId": forth["typeId"], "label": "Friend"}
    changed = call(world, "PUT", PATH, change)

    assert back["label"] == "Partner"
    assert (changed.status, changed.body) == (204, b"")
    assert [each["label"] for each in own(world)] == ["Friend"]
    assert own(world, "companies/contacts/labels")[0]["label"] == "Partner"
    call(world, "PUT", PATH, {**change, "inverseLabel": "Foe"})
    assert own(world, "companies/contacts/labels")[0]["label"] == "Foe"


@behaviour("label-delete")
def test_a_deleted_label(world: World) -> None:
    """Associations lose it and stay; so does its limit."""
    made = call(world, "POST", PATH, {"label": "Partner", "name": "partner"})
    number = made.body["results"][0]["typeId"]
    contact = world.contact()
    company = world.sim.store.create("companies", {}).id
    spec = {"associationCategory": "USER_DEFINED", "associationTypeId": number}
    linked = f"/crm/v4/objects/contacts/{contact}/associations/companies"
    world.post(f"{linked}/{company}", [spec], method="PUT")
    limit = {"category": "USER_DEFINED", "typeId": number, "maxToObjectIds": 3}
    path = "/crm/associations/v4/definitions/configurations/contacts/companies"
    world.post(f"{path}/batch/create", {"inputs": [limit]})
    gone = call(world, "DELETE", f"{PATH}/{number}")
    (found,) = world.post(linked, method="GET").body["results"]

    assert (gone.status, gone.body) == (204, b"")
    assert own(world) == own(world, "companies/contacts/labels") == []
    assert [item["typeId"] for item in found["associationTypes"]] == [279]
    assert world.post(path, method="GET").body == {"results": []}


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", PATH, {"label": "x"}),
        ("POST", PATH, {"label": "x", "name": "y", "inverseLabel": 1}),
        ("POST", PATH, []),
        ("POST", PATH, {"label": "Partner", "name": "other"}),
        ("POST", PATH, {"label": "Other", "name": "partner"}),
        ("POST", PATH, {"label": "Primary", "name": "primary"}),
        ("PUT", PATH, {"label": "x"}),
        ("PUT", PATH, {"label": "x", "associationTypeId": 279}),
        ("DELETE", f"{PATH}/1", None),
        ("DELETE", f"{PATH}/x", None),
    ],
)
@behaviour("label-refused")
def test_refusals(world: World, method: str, path: str, body: object) -> None:
    call(world, "POST", PATH, {"label": "Partner", "name": "partner"})
    before = own(world)

    assert call(world, method, path, body).status == 400
    assert own(world) == before


@pytest.mark.parametrize("base", ["/crm/v4", "/crm/2026-03", "/crm"])
@behaviour("limits-list", "versions")
def test_the_list_of_limits(world: World, base: str) -> None:
    """v4 has two spellings: HubSpot's own clients use the second."""
    path = {
        "/crm/v4": "/crm/v4/associations",
        "/crm/2026-03": "/crm/associations/2026-03",
        "/crm": "/crm/associations/v4",
    }[base] + "/definitions/configurations"
    limit = {"category": "HUBSPOT_DEFINED", "typeId": 1, "maxToObjectIds": 3}
    made = world.post(f"{path}/contacts/companies/batch/create", {"inputs": [limit]})
    expected = [
        {
            "category": "HUBSPOT_DEFINED",
            "typeId": 1,
            "userEnforcedMaxToObjectIds": 3,
            "label": "Primary",
        }
    ]

    assert made.status == 201
    for tail in ("all", "contacts/companies"):
        assert world.post(f"{path}/{tail}", method="GET").body["results"] == expected
    assert world.post(f"{path}/deals/companies", method="GET").body["results"] == []
    purged = world.post(
        f"{path}/contacts/companies/batch/purge",
        {"inputs": [{"category": "HUBSPOT_DEFINED", "typeId": 1}]},
    )
    assert purged.status in {200, 204}
    assert world.post(f"{path}/all", method="GET").body["results"] == []


@behaviour("deal-splits", "versions")
def test_the_other_spelling_of_deal_splits(world: World) -> None:
    deal = world.sim.store.create("deals", {}).id
    path = "/crm/v3/objects/deals/splits/batch/read"
    response = world.post(path, {"inputs": [{"id": deal}]})

    assert response.body["results"] == [{"id": deal, "splits": []}]
    assert world.post(path.replace("deals", "tickets"), {"inputs": []}).status == 404

"""The associations of one record in v4 and the dated versions."""

from typing import Any

import pytest

from .behaviours import behaviour
from .conftest import Response, World


V4 = "/crm/v4/objects"
BASES = (V4, "/crm/objects/2026-03", "/crm/objects/2026-09")
LABELLED = {"associationCategory": "USER_DEFINED", "associationTypeId": 36}


def call(
    world: World,
    method: str,
    path: str,
    body: object = None,
    *,
    base: str = V4,
    token: str | None = None,
    **query: str,
) -> Response:
    return world.post(f"{base}/{path}", body, method=method, query=query, token=token)


def listed(world: World, path: str, **options: Any) -> list[dict[str, Any]]:
    response = call(world, "GET", path, **options)
    assert response.status == 200
    results: list[dict[str, Any]] = response.body["results"]
    return results


@pytest.mark.parametrize("base", BASES)
@behaviour("association-default", "association-list")
def test_a_default_association(world: World, base: str) -> None:
    """The answer has both directions; v4 lists ids as numbers."""
    ticket, contact = world.ticket(), world.contact()
    path = f"tickets/{ticket}/associations"
    made = call(world, "PUT", f"{path}/default/contacts/{contact}", base=base)
    pairs = {(item["from"]["id"], item["to"]["id"]) for item in made.body["results"]}
    there = listed(world, f"{path}/contact", base=base)
    back = listed(world, f"contacts/{contact}/associations/0-5", base=base)

    assert made.status == 200
    assert pairs == {(ticket, contact), (contact, ticket)}
    kind = {"category": "HUBSPOT_DEFINED", "label": None}
    shown = int(contact) if base == V4 else contact
    assert there == [
        {"toObjectId": shown, "associationTypes": [{**kind, "typeId": 16}]}
    ]
    assert back[0]["associationTypes"] == [{**kind, "typeId": 15}]


@pytest.mark.parametrize("base", BASES)
@behaviour("association-labels")
def test_a_labelled_association(world: World, base: str) -> None:
    """201 with the labels; the association is an unlabelled one too."""
    ticket, contact = world.ticket(), world.contact()
    assert world.sim.store.define_label("tickets", "contacts", "Reporter") == 36
    path = f"tickets/{ticket}/associations/contacts"
    made = call(world, "PUT", f"{path}/{contact}", [LABELLED], base=base)
    number = int if base == V4 else str

    assert made.status == 201
    assert made.body == {
        "fromObjectTypeId": "0-5",
        "fromObjectId": number(ticket),
        "toObjectTypeId": "0-1",
        "toObjectId": number(contact),
        "labels": ["Reporter"],
    }
    (found,) = listed(world, path, base=base)
    assert [item["typeId"] for item in found["associationTypes"]] == [16, 36]


@behaviour("association-archive")
def test_an_association_is_removed(world: World) -> None:
    """204, whether or not the records are associated."""
    ticket, contact = world.ticket(), world.contact()
    path = f"tickets/{ticket}/associations"
    call(world, "PUT", f"{path}/default/contacts/{contact}")
    answers = [call(world, "DELETE", f"{path}/contacts/{contact}") for _ in range(2)]

    assert [(each.status, each.body) for each in answers] == [(204, b"")] * 2
    assert listed(world, f"{path}/contacts") == []


@behaviour("association-list")
def test_pages_of_associated_records(world: World) -> None:
    ticket = world.ticket()
    contacts = {int(world.contact()) for _ in range(5)}
    path = f"tickets/{ticket}/associations"
    for contact in contacts:
        call(world, "PUT", f"{path}/default/contacts/{contact}")
    found: list[int] = []
    query = {"limit": "2"}
    for pages in range(1, 9):  # noqa: B007
        body = call(world, "GET", f"{path}/contacts", **query).body
        found += [item["toObjectId"] for item in body["results"]]
        if "paging" not in body:
            break
        query["after"] = body["paging"]["next"]["after"]
        assert body["paging"]["next"]["link"] == (
            f"https://api.hubapi.com{V4}/{path}/contacts?limit=2&after={query['after']}"
        )

    assert pages == 3
    assert len(found) == 5
    assert {*found} == contacts


@pytest.mark.parametrize("query", [{"limit": "501"}, {"limit": "0"}, {"after": "x"}])
@behaviour("association-list")
def test_invalid_parameters(world: World, query: dict[str, str]) -> None:
    path = f"tickets/{world.ticket()}/associations/contacts"

    assert call(world, "GET", path, **query).status == 400


@behaviour("association-not-found")
def test_unknown_records(world: World) -> None:
    """JSON, which names the type and the id."""
    ticket, contact = world.ticket(), world.contact()
    missing = call(world, "PUT", f"tickets/{ticket}/associations/default/contacts/1")
    source = call(world, "PUT", f"tickets/1/associations/default/contacts/{contact}")
    unread = call(world, "GET", "tickets/1/associations/contacts")
    no_id = call(world, "PUT", f"tickets/{ticket}/associations/default/contacts/x")

    assert missing.status == 404
    assert missing.body["category"] == "OBJECT_NOT_FOUND"
    assert missing.body["subCategory"] == "crm.associations.TO_OBJECT_NOT_FOUND"
    assert missing.body["context"] == {"objectType": ["contact"], "id": ["1"]}
    for response in (source, unread):
        assert response.status == 404
        assert response.body["subCategory"] == "crm.associations.FROM_OBJECT_NOT_FOUND"
    assert (no_id.status, no_id.message) == (400, "x is not a valid ID")


@behaviour("association-labels")
def test_associations_that_are_refused(world: World) -> None:
    ticket, contact = world.ticket(), world.contact()
    path = f"tickets/{ticket}/associations"
    bodies: list[object] = [[], {}, None, [{}], [LABELLED]]
    statuses = {
        call(world, "PUT", f"{path}/contacts/{contact}", body).status for body in bodies
    }
    itself = call(world, "PUT", f"{path}/default/tickets/{ticket}")
    unknown = call(world, "PUT", f"{path}/default/butterflies/{contact}")

    assert statuses == {400}
    assert (itself.status, unknown.status) == (400, 400)
    assert listed(world, f"{path}/contacts") == []


@pytest.mark.parametrize(
    ("base", "status"), [*zip(BASES, (400, 200, 400), strict=True)]
)
@behaviour("associations-permission")
def test_the_permission_to_edit(world: World, base: str, status: int) -> None:
    """Older dated versions do not check it; reads never do."""
    token = world.sim.issue_token(edits_associations=False)
    ticket, contact = world.ticket(), world.contact()
    path = f"tickets/{ticket}/associations"
    made = call(
        world, "PUT", f"{path}/default/contacts/{contact}", base=base, token=token
    )

    assert made.status == status
    assert listed(world, f"{path}/contacts", base=base, token=token) is not None


@behaviour("associations-scopes", "associations-window")
def test_scopes_and_window(world: World) -> None:
    """The scopes of both types, and the window of association calls."""
    ticket = world.ticket()
    token = world.sim.issue_token(scopes=["tickets"])
    path = f"tickets/{ticket}/associations/contacts"
    allowed = call(world, "GET", path)

    assert call(world, "GET", path, token=token).status == 403
    assert allowed.headers["X-HubSpot-RateLimit-Max"] == "150"

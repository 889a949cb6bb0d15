"""The owners of records."""

import pytest

from .behaviours import behaviour
from .conftest import World


PATH = "/crm/v3/owners"


@behaviour("owners-list", "state-of-owners")
def test_owners_as_recorded(world: World) -> None:
    """Owners in the order of their ids, with `teams` only if there are some."""
    owners = world.sim.store.owners
    ada = owners.add("ada@x.example", first_name="Ada", last_name="Byron")
    bob = owners.add("bob@x.example", teams=["Sales", "Berlin"])
    response = world.get(PATH)

    assert response.status == 200
    assert [each["id"] for each in response.body["results"]] == [ada.id, bob.id]
    assert "paging" not in response.body
    assert response.body["results"][0] == {
        "id": ada.id,
        "email": "ada@x.example",
        "type": "PERSON",
        "firstName": "Ada",
        "lastName": "Byron",
        "userId": ada.user_id,
        "userIdIncludingInactive": ada.user_id,
        "createdAt": "2026-09-14T12:00:00Z",
        "updatedAt": "2026-09-14T12:00:00Z",
        "archived": False,
    }
    assert response.body["results"][1]["teams"] == [
        {"id": "1", "name": "Sales", "primary": True},
        {"id": "2", "name": "Berlin", "primary": False},
    ]


@behaviour("owners-list")
def test_owners_by_email(world: World) -> None:
    ada = world.sim.store.owners.add("ada@x.example")
    found = world.get(PATH, email="ada@x.example", archived="false")
    none = world.get(PATH, email=ada.id)

    assert [each["id"] for each in found.body["results"]] == [ada.id]
    assert none.body == {"results": []}


@behaviour("owners-pages")
def test_pages_of_owners(world: World) -> None:
    ids = [world.sim.store.owners.add(f"{n}@x.example").id for n in range(5)]
    first = world.get(PATH, limit="2")
    cursor = first.body["paging"]["next"]["after"]
    second = world.get(PATH, limit="2", after=cursor)
    last = world.get(PATH, limit="2", after=ids[3])

    pages = (first, second, last)
    assert [each["id"] for page in pages for each in page.body["results"]] == ids
    assert first.body["paging"]["next"]["link"] == (
        f"https://api.hubapi.com{PATH}?limit=2&after={cursor}"
    )
    assert second.body["paging"]["next"]["link"] == (
        f"https://api.hubapi.com{PATH}?limit=2&after={ids[3]}"
    )
    assert "paging" not in last.body


@pytest.mark.parametrize(
    "query",
    [
        {"limit": "0"},
        {"limit": "501"},
        {"limit": "x"},
        {"after": "x"},
        {"after": "9" * 5_000},
    ],
)
@behaviour("owners-pages")
def test_invalid_pages_of_owners(world: World, query: dict[str, str]) -> None:
    response = world.get(PATH, **query)

    assert (response.status, response.body["category"]) == (400, "VALIDATION_ERROR")


@behaviour("owner")
def test_one_owner(world: World) -> None:
    ada = world.sim.store.owners.add("ada@x.example")
    by_id = world.get(f"{PATH}/{ada.id}")
    by_user = world.get(f"/crm/owners/2026-09/{ada.user_id}", idProperty="userId")
    missing = world.get(f"{PATH}/{ada.user_id}")

    assert by_id.body == by_user.body
    assert by_id.body["id"] == ada.id
    assert missing.status == 404
    assert missing.headers["X-HubSpot-NotFound"] == "true"


@behaviour("owners-archived")
def test_deactivated_owners(world: World) -> None:
    gone = world.sim.store.owners.add("gone@x.example", archived=True)
    listed = world.get(PATH, archived="true")
    one = world.get(f"{PATH}/{gone.id}", archived="true")

    assert world.get(PATH).body == {"results": []}
    assert world.get(f"{PATH}/{gone.id}").status == 404
    assert listed.body["results"] == [one.body]
    assert one.body["userId"] is None
    assert one.body["userIdIncludingInactive"] == gone.user_id


@behaviour("owners-scopes")
def test_scopes_of_owners(world: World) -> None:
    reader = world.sim.issue_token(scopes=["crm.objects.owners.read"])
    other = world.sim.issue_token(scopes=["crm.objects.contacts.read"])

    assert world.get(PATH, token=reader).status == 200
    assert world.get(PATH, token=other).status == 403

"""Recorded searches and calls on lists, owners, pipelines and tokens, repeated.

Each recording is a published answer of HubSpot: `source` says where. The simulator
gets what the answer shows, and then the recorded request.
"""

from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import msgspec
import pytest

from hubbatch.simulator.crm.lists import RecordList

from .behaviours import behaviour
from .conftest import MakeWorld, Response, World
from .test_recordings import milliseconds, seed, shelf_for, without_urls


HERE = Path(__file__).parent / "recordings_beside"
Recording = dict[str, Any]

# Requests that were not published, or in part.
BODIES: dict[str, Any] = {
    "200-search-contacts-url-2026": {
        "limit": 54,
        "properties": ["company", "email", "firstname", "lastname", "phone", "website"],
    },
    "400-membership-add-objects-2026": [{"id": 1}],
}
# HubSpot refused ISO dates in 2020 and accepts them since, as integrations show.
NOT_REPEATED = {"400-search-generic-2020"}
USERS = {"createdById", "updatedById"}


def recording(name: str) -> Recording:
    loaded: Recording = msgspec.json.decode((HERE / f"{name}.json").read_bytes())
    return loaded


def names(*starts: str) -> list[str]:
    return sorted(
        path.stem
        for path in HERE.glob("*.json")
        if path.stem.startswith(starts) and path.stem not in NOT_REPEATED
    )


def repeat(world: World, name: str, token: str | None = None) -> Response:
    made = recording(name)
    split = urlsplit(made["request"]["path"])
    body = BODIES.get(name, made["request"].get("body"))
    return world.post(
        split.path,
        method=made["request"]["method"],
        query=dict(parse_qsl(split.query)),
        content=b"" if body is None else msgspec.json.encode(body),
        token=token,
    )


def rate_headers(headers: Any) -> set[str]:
    return {name.lower() for name in headers if "ratelimit" in name.lower()}


def associate(world: World, name: str, kind: str, shown: list[Any]) -> None:
    """Associate what is shown with the record that the request names."""
    request, store = recording(name)["request"], world.sim.store
    body = request.get("body") or {}
    groups = [*body.get("filterGroups", []), {"filters": body.get("filters", [])}]
    for item in (item for group in groups for item in group["filters"]):
        if not item["propertyName"].startswith("associations."):
            continue
        target = shelf_for(world, item["propertyName"].partition(".")[2])
        source = shelf_for(world, kind).type.id
        store.add(target, str(item["value"]), {}, 0)
        spec = store.links.default(source, target.type.id)
        for record in shown:
            ends = (source, record["id"]), (target.type.id, str(item["value"]))
            store.links.link(*ends, [spec])


@pytest.mark.parametrize("name", names("200-search"))
@behaviour("search-answer", "search-properties", "search-order", "search-headers")
@behaviour("search-groups", "search-associations", "search-tokens", "search-query")
def test_searches(world: World, name: str) -> None:
    """Hits are equal, but for `url`, and so are the total, the cursor and the order."""
    made = recording(name)
    kind, body = made["request"]["path"].split("/")[4], made["body"]
    for shown in reversed(body["results"]):
        seed(world, kind, shown)
    associate(world, name, kind, body["results"])
    # Hits of further pages, which were created later.
    for n in range(body["total"] - len(body["results"])):
        later = {"id": str(10**13 + n), "createdAt": "2026-09-01T00:00:00.000Z"}
        seed(world, kind, {**body["results"][0], **later})
    response = repeat(world, name)
    ours = response.body["results"][: len(body["results"])]

    assert response.status == 200
    assert response.body["total"] == body["total"]
    assert response.body.get("paging") == body.get("paging")
    assert [without_urls(hit) for hit in ours] == [
        without_urls(hit) for hit in body["results"]
    ]
    if rate_headers(made["headers"]):
        assert rate_headers(response.headers) == rate_headers(made["headers"])


@pytest.mark.parametrize("name", names("400-search", "429-search"))
@behaviour("search-json", "search-types", "search-limit-family", "search-headers")
def test_refused_searches(world: World, name: str) -> None:
    """The message is equal, but for the column of a request that was not published."""
    made = recording(name)
    throttled = name.startswith("429")
    for _ in range(5 * throttled):
        world.post("/crm/v3/objects/contacts/search", {})
    response = repeat(world, name)

    assert response.status == made["status"]
    assert response.body.keys() - {"correlationId"} == made["body"].keys() - {
        "correlationId"
    }
    ours, theirs = (
        message.rpartition(": ")[2] if "attributes" in name else message
        for message in (response.message, made["body"]["message"])
    )
    assert ours == theirs
    if throttled:
        assert rate_headers(response.headers) == rate_headers(made["headers"])


def put_list(world: World, shown: dict[str, Any]) -> RecordList:
    """Create the list that an answer shows."""
    of = world.sim.store.lists.add(
        *(shown["name"], shown["objectTypeId"], shown["processingType"]),
        list_id=shown["listId"],
    )
    of.created, of.updated, of.filters_updated = (
        milliseconds(shown[key])
        for key in ("createdAt", "updatedAt", "filtersUpdatedAt")
    )
    if "deletedAt" in shown:
        of.deleted_on = milliseconds(shown["deletedAt"])
    more = shown.get("additionalProperties", {})
    for key, attribute in (("added", "last_added"), ("removed", "last_removed")):
        value = more.get(f"hs_last_record_{key}_at")
        setattr(of, attribute, value and int(value))
    return of


def without(shown: dict[str, Any], *names: str) -> dict[str, Any]:
    # The user who created a list is shown as the last one to change it, since 2025.
    left_out = {*names, *USERS}
    return {name: value for name, value in shown.items() if name not in left_out}


@pytest.mark.parametrize("name", names("200-list-get", "200-lists-by-ids"))
@behaviour("lists-get", "lists-delete")
def test_reads_of_lists(world: World, name: str) -> None:
    made = recording(name)
    response = None
    if "list" in made["body"]:
        put_list(world, made["body"]["list"])
        response = repeat(world, name)
        # A deleted list was being processed.
        ours, theirs = (
            without(body["list"], "processingStatus")
            for body in (response.body, made["body"])
        )
        assert ours == theirs
        assert list(response.body["list"]) == list(made["body"]["list"])
    else:
        response = repeat(world, name)
        assert response.body == made["body"]
    assert response.status == 200


@pytest.mark.parametrize("name", names("200-list-create"))
@behaviour("lists-create", "lists-dynamic")
def test_creates_of_lists(world: World, name: str) -> None:
    """Equal, but for the id and the dates."""
    made = recording(name)
    response = repeat(world, name)
    dates = ("createdAt", "updatedAt", "filtersUpdatedAt")
    ours, theirs = (
        without(body["list"], "listId", *dates)
        for body in (response.body, made["body"])
    )

    assert response.status == 200
    assert ours == theirs
    assert list(response.body["list"]) == list(made["body"]["list"])


@pytest.mark.parametrize("name", names("200-list-update"))
@behaviour("lists-rename")
def test_renames_of_lists(world: World, name: str) -> None:
    made = recording(name)
    put_list(world, {**made["body"]["updatedList"], "name": "before"})
    response = repeat(world, name)
    ours, theirs = (
        without(body["updatedList"], "updatedAt")
        for body in (response.body, made["body"])
    )

    assert ours == theirs


@pytest.mark.parametrize("name", names("200-lists-search"))
@behaviour("lists-search")
def test_searches_of_lists(world: World, name: str) -> None:
    """The lists that the recording keeps are equal."""
    made = recording(name)
    body, offset = made["body"], (made["request"]["body"] or {}).get("offset", 0)
    for n in range(offset):
        world.sim.store.lists.add(f"before {n}")
    for shown in body["lists"]:
        put_list(world, shown)
    for n in range(body["total"] - offset - len(body["lists"])):
        world.sim.store.lists.add(f"after {n}", list_id=str(1000 + n))
    response = repeat(world, name)
    kept = response.body["lists"][: len(body["lists"])]

    assert [without(each) for each in kept] == [without(each) for each in body["lists"]]
    assert {**response.body, "lists": []} == {**body, "lists": []}


@pytest.mark.parametrize("name", names("200-membership"))
@behaviour("members-change")
def test_changes_of_members(world: World, name: str) -> None:
    """The answer is equal, but for the order of the ids."""
    made = recording(name)
    store, shelf = world.sim.store, shelf_for(world, "contacts")
    list_id = made["request"]["path"].split("/")[4]
    of = store.lists.add("mine", list_id=list_id)
    ids = list(map(str, made["request"]["body"]))
    for record_id in ids:
        store.add(shelf, record_id, {}, 0)
    if "already" in name or "remove" in name:
        store.lists.put(of, ids)
    response = repeat(world, name)

    assert response.status == 200
    assert list(response.body) == list(made["body"])
    for key, changed in made["body"].items():
        assert sorted(response.body[key]) == sorted(changed)


@pytest.mark.parametrize("name", names("400-list", "400-membership", "404-list"))
@behaviour("lists-create-refused", "members-json", "lists-get")
def test_refusals_of_lists(world: World, name: str) -> None:
    """The answer is equal, and its keys come in the recorded order."""
    made = recording(name)
    world.sim.store.lists.add("dynamic", processing="DYNAMIC", list_id="590")
    response = repeat(world, name)
    ours, theirs = (
        {**body, "correlationId": ""} for body in (response.body, made["body"])
    )

    assert (response.status, ours) == (made["status"], theirs)
    assert list(ours) == list(theirs)


@behaviour("lists-delete")
def test_a_deleted_list(world: World) -> None:
    world.sim.store.lists.add("mine", list_id="588")
    response = repeat(world, "204-list-delete-2026")

    assert (response.status, response.body) == (204, b"")


@pytest.mark.parametrize("name", names("200-owner"))
@behaviour("owners-list", "owner")
def test_owners(world: World, name: str) -> None:
    """The answer is equal."""
    body = recording(name)["body"]
    for shown in body.get("results", [body]):
        owner = world.sim.store.owners.add(
            *(shown["email"],),
            first_name=shown["firstName"],
            last_name=shown["lastName"],
            owner_id=shown["id"],
        )
        owner.user_id = shown["userId"]
        owner.created, owner.updated = (
            milliseconds(shown[key]) for key in ("createdAt", "updatedAt")
        )
    world.sim.store.owners.add("other@x.example", archived=True)
    response = repeat(world, name)

    assert (response.status, response.body) == (200, body)


@behaviour("pipelines-default")
def test_the_default_pipeline(world: World) -> None:
    """The answer is equal."""
    name = "200-pipelines-deals-default-2026"

    assert repeat(world, name).body == recording(name)["body"]


@behaviour("account-details")
def test_the_account(world: World) -> None:
    """Keys and types are equal."""
    name = "200-account-info-2026"
    ours, theirs = repeat(world, name).body, recording(name)["body"]

    assert {key: type(value) for key, value in ours.items()} == {
        key: type(value) for key, value in theirs.items()
    }


@behaviour("token-info-oauth")
def test_a_token(make_world: MakeWorld) -> None:
    """Keys and types are equal, but for a signature that the simulator cannot make."""
    name = "200-oauth-access-token-info-2026"
    world = make_world()
    world.sim.issue_token(tier="oauth", value="REDACTED", expires_in=1800)
    ours, theirs = repeat(world, name).body, recording(name)["body"]
    del theirs["signed_access_token"]

    assert {key: type(value) for key, value in ours.items()} == {
        key: type(value) for key, value in theirs.items()
    }


def test_every_recording_beside_is_repeated() -> None:
    """A file that no test above picks would prove nothing."""
    picked = {
        *names("200-search", "400-search", "429-search", "200-list", "200-membership"),
        *names("400-list", "400-membership", "404-list", "204-list-delete-2026"),
        *names("200-owner", "200-pipelines-deals-default-2026"),
        *names("200-account-info-2026", "200-oauth-access-token-info-2026"),
    }

    assert picked == {*names("")}

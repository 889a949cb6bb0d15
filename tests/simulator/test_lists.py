"""Lists, and the records on them."""

import base64

from typing import Any
from urllib.parse import unquote

import pytest

from hubbatch.simulator.crm.lists import Lists

from .behaviours import behaviour
from .conftest import Response, World


PATH = "/crm/v3/lists"


def create(world: World, name: str = "mine", **more: object) -> Response:
    body = {"name": name, "objectTypeId": "0-1", "processingType": "MANUAL", **more}
    return world.post(PATH, body)


def put(world: World, path: str, body: object = None, **query: str) -> Response:
    content = b"" if body is None else None
    return world.post(
        f"{PATH}/{path}", body, method="PUT", query=query, content=content
    )


def refused(response: Response) -> bool:
    category = response.body.get("category")
    return (response.status, category) == (400, "VALIDATION_ERROR")


def is_unknown(response: Response, list_id: str) -> bool:
    return response.status == 404 and response.body == {
        "status": "error",
        "message": f"List does not exist with ID {list_id}.",
        "correlationId": response.headers["X-HubSpot-Correlation-Id"],
        "context": {"listId": [list_id]},
        "category": "OBJECT_NOT_FOUND",
        "subCategory": "ListError.LIST_ID_DOES_NOT_EXIST",
    }


@behaviour("lists-create", "lists-get")
def test_a_list_as_recorded(world: World) -> None:
    """200 and not 201, in `list`, without a size."""
    made = create(world)
    fetched = world.get(f"{PATH}/{made.body['list']['listId']}")
    named = world.get(f"{PATH}/object-type-id/contacts/name/mine")
    by_ids = world.get(PATH, listIds="1&7")

    assert made.status == 200
    assert made.body == fetched.body == named.body
    assert by_ids.body == {"lists": [made.body["list"]]}
    assert made.body["list"] == {
        "listId": "1",
        "listVersion": 1,
        "createdAt": "2026-09-14T12:00:00Z",
        "updatedAt": "2026-09-14T12:00:00Z",
        "filtersUpdatedAt": "2026-09-14T12:00:00Z",
        "processingStatus": "COMPLETE",
        "createdById": "2506672",
        "updatedById": "2506672",
        "processingType": "MANUAL",
        "objectTypeId": "0-1",
        "name": "mine",
        "listPermissions": {"teamsWithEditAccess": [], "usersWithEditAccess": []},
        "membershipSettings": {"membershipTeamId": None, "includeUnassigned": None},
    }


@behaviour("lists-get")
def test_unknown_lists(world: World) -> None:
    """JSON and not HTML, as recorded in 2026; without ids there are no lists."""
    unknown = world.get(f"{PATH}/-1")
    named = world.get(f"{PATH}/object-type-id/0-1/name/mine")

    assert is_unknown(unknown, "-1")
    assert unknown.headers["X-HubSpot-NotFound"] == "true"
    assert (named.status, named.body["category"]) == (404, "OBJECT_NOT_FOUND")
    assert world.get(PATH).body == {"lists": []}


BRANCH: dict[str, Any] = {
    "filterBranches": [],
    "filterBranchType": "OR",
    "filters": [
        {
            "filterType": "PROPERTY",
            "property": "twitterhandle",
            "operation": {"operationType": "STRING", "operator": "IS_EQUAL_TO"},
        }
    ],
}
ECHOED: dict[str, Any] = {
    **BRANCH,
    "filterBranchOperator": "OR",
    "filters": [
        {
            **BRANCH["filters"][0],
            "operation": {
                **BRANCH["filters"][0]["operation"],
                "includeObjectsWithNoValueSet": False,
            },
        }
    ],
}


@behaviour("lists-dynamic")
def test_a_dynamic_list(world: World) -> None:
    """It is PROCESSING, and its filters come back with two more keys."""
    made = create(world, processingType="DYNAMIC", filterBranch=BRANCH)
    plain = world.get(f"{PATH}/1")
    filtered = world.get(f"{PATH}/1", includeFilters="true")
    body = {"filterBranch": {**BRANCH, "filterBranchType": "AND"}}
    changed = put(world, "1/update-list-filters", body)

    assert made.body["list"]["processingStatus"] == "PROCESSING"
    assert made.body["list"]["filterBranch"] == ECHOED
    assert filtered.body == made.body
    assert "filterBranch" not in plain.body["list"]
    assert changed.body["updatedList"]["filterBranch"]["filterBranchOperator"] == "AND"
    assert refused(put(world, "1/update-list-filters", {}))
    assert refused(put(world, "1/memberships/add", [world.contact()]))


@behaviour("lists-create-refused")
def test_a_list_without_a_name(world: World) -> None:
    """As recorded in 2026: the column is that of the end of the body."""
    response = create(world, name=None)  # type: ignore[arg-type]

    assert refused(response)
    assert response.message == (
        "Invalid input JSON on line 1, column 60. "
        "Some required fields were not set: [name]"
    )


@behaviour("lists-create-refused")
def test_refused_lists(world: World) -> None:
    create(world)
    type_id = create(world, "b", objectTypeId="0-9999")

    assert refused(type_id)
    assert type_id.message == (
        "The objectTypeId 0-9999 provided for the list is not valid for this portal."
    )
    assert type_id.body["subCategory"] == "ListError.INVALID_OBJECT_TYPE_FOR_LIST"
    assert refused(create(world))
    assert refused(create(world, "c", processingType="OTHER"))
    assert refused(create(world, "c", filterBranch=[]))
    assert refused(world.post(PATH, []))
    assert len(world.sim.store.lists.by_id) == 1


@behaviour("lists-rename")
def test_renaming_a_list(world: World) -> None:
    create(world, "taken")
    create(world)
    renamed = put(world, "2/update-list-name", listName="my list")

    assert renamed.status == 200
    assert renamed.body["updatedList"] == world.get(f"{PATH}/2").body["list"]
    assert renamed.body["updatedList"]["name"] == "my list"
    assert put(world, "2/update-list-name", listName="my list").status == 200
    assert refused(put(world, "2/update-list-name", listName="taken"))
    assert refused(put(world, "2/update-list-name"))
    assert refused(put(world, "2/update-list-filters", {"filterBranch": BRANCH}))
    assert is_unknown(put(world, "9/update-list-name", listName="x"), "9")


@behaviour("lists-delete")
def test_deleting_and_restoring_a_list(world: World) -> None:
    """Recorded in 2025: a deleted list is read by its id, and nowhere else."""
    create(world)
    deleted = world.post(f"{PATH}/1", method="DELETE")
    read = world.get(f"{PATH}/1")
    elsewhere = (
        world.get(PATH, listIds="1").body["lists"],
        world.post(f"{PATH}/search", {}).body["lists"],
    )
    again = world.post(f"{PATH}/1", method="DELETE")
    world.clock.at += 90 * 86_400
    restored = put(world, "1/restore")

    assert (deleted.status, deleted.body) == (204, b"")
    assert read.body["list"]["deletedAt"] == "2026-09-14T12:00:00Z"
    assert elsewhere == ([], [])
    assert is_unknown(again, "1")
    assert (restored.status, restored.body) == (204, b"")
    assert "deletedAt" not in world.get(f"{PATH}/1").body["list"]


@behaviour("lists-delete")
def test_a_list_that_cannot_be_restored(world: World) -> None:
    for name in ("old", "new"):
        create(world, name)
        world.post(f"{PATH}/{len(world.sim.store.lists.by_id)}", method="DELETE")
    create(world, "new")
    world.clock.at += 90 * 86_400 + 1

    assert is_unknown(put(world, "1/restore"), "1")
    assert put(world, "3/restore").status == 204
    world.sim.store.lists.by_id["2"].deleted_on = world.sim.store.now()
    assert refused(put(world, "2/restore"))


@behaviour("lists-search")
def test_searching_lists_as_recorded(world: World) -> None:
    """Pages by offset; sizes are strings and come unasked."""
    for n in range(3):
        create(world, f"List {n}")
    put(world, "1/memberships/add", [world.contact()])
    first = world.post(f"{PATH}/search", {"query": "", "count": 2})
    last = world.post(f"{PATH}/search", {"count": 2, "offset": 2})

    assert (first.body["offset"], first.body["hasMore"]) == (2, True)
    assert (last.body["offset"], last.body["hasMore"]) == (3, False)
    assert first.body["total"] == last.body["total"] == 3
    assert first.body["lists"][0]["additionalProperties"] == {
        "hs_list_reference_count": "0",
        "hs_last_record_added_at": "1789387200000",
        "hs_list_size": "1",
    }
    assert "listPermissions" not in first.body["lists"][0]


@pytest.mark.parametrize(
    ("body", "names"),
    [
        ({"query": "ALPHA"}, ["alpha"]),
        ({"objectTypeId": "0-2"}, ["beta"]),
        ({"processingTypes": ["DYNAMIC"]}, ["gamma"]),
        ({"processingTypes": ["MANUAL", "DYNAMIC"]}, ["alpha", "beta", "gamma"]),
        ({"listIds": ["1", 3]}, ["alpha", "gamma"]),
        ({"offset": 9}, []),
    ],
)
@behaviour("lists-search")
def test_which_lists_are_found(
    world: World, body: dict[str, Any], names: list[str]
) -> None:
    create(world, "alpha")
    create(world, "beta", objectTypeId="0-2")
    create(world, "gamma", processingType="DYNAMIC")
    response = world.post(f"{PATH}/search", body)

    assert [each["name"] for each in response.body["lists"]] == names


@behaviour("lists-search")
def test_refused_searches_of_lists(world: World) -> None:
    """Recorded in 2026: without a body the errors are strings."""
    nothing = world.post(f"{PATH}/search", None)
    empty = world.post(f"{PATH}/search", content=b"")
    lists = [{"processingTypes": 3}, {"listIds": "1"}]
    bodies: list[object] = [*lists, [], {"count": 501}, {"count": 0}, {"offset": -1}]
    others = [world.post(f"{PATH}/search", body) for body in (*bodies, {"count": "2"})]

    assert nothing.status == empty.status == 400
    assert nothing.body == {
        "status": "error",
        "message": "validation error",
        "correlationId": nothing.headers["X-HubSpot-Correlation-Id"],
        "errors": ["The request body may not be null"],
    }
    assert all(map(refused, others))


@behaviour("members-change")
def test_members_as_recorded(world: World) -> None:
    """The keys are spelled differently, and empty ones are absent."""
    create(world)
    ids = [world.contact() for _ in range(3)]
    gone = world.contact()
    world.sim.store.archive("contacts", gone)
    added = put(world, "1/memberships/add", [int(ids[0]), ids[1], ids[0]])
    again = put(world, "1/memberships/add", [ids[0]])
    more = put(world, "1/memberships/add", [gone, "42"])
    removed = put(world, "1/memberships/remove", ids[1:])
    both = put(
        *(world, "1/memberships/add-and-remove"),
        {"recordIdsToAdd": [ids[2]], "recordIdsToRemove": [ids[0], "43"]},
    )

    assert list(added.body) == ["recordsIdsAdded"]
    assert {*added.body["recordsIdsAdded"]} == {*ids[:2]}
    assert (again.status, again.body) == (200, {})
    assert list(more.body) == ["recordIdsMissing"]
    assert {*more.body["recordIdsMissing"]} == {gone, "42"}
    assert removed.body == {"recordIdsRemoved": [ids[1]]}
    assert both.body == {
        "recordsIdsAdded": [ids[2]],
        "recordIdsRemoved": [ids[0]],
        "recordIdsMissing": ["43"],
    }
    assert [*world.sim.store.lists.by_id["1"].members] == [ids[2]]


@behaviour("members-change", "shuffled")
def test_added_ids_come_in_any_order(world: World) -> None:
    create(world)
    ids = [world.contact() for _ in range(30)]
    added = put(world, "1/memberships/add", ids).body["recordsIdsAdded"]

    assert added != ids
    assert sorted(added) == sorted(ids)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ([{"id": 1}], "column 2: Cannot deserialize value of type `java.lang.String`"),
        ([12, []], "column 5: Cannot deserialize value of type `java.lang.String`"),
        ({}, "column 1: Cannot deserialize value of type `java.util.ArrayList`"),
    ],
)
@behaviour("members-json")
def test_members_that_are_no_ids(world: World, body: object, reason: str) -> None:
    """Objects were recorded in 2026: 400 without a category."""
    create(world)
    response = put(world, "1/memberships/add", body)

    assert (response.status, response.body.get("category")) == (400, None)
    assert response.message.startswith(f"Invalid input JSON on line 1, {reason}")


@pytest.mark.parametrize("wrong", ["x", "", 1.5, True, -1])
@pytest.mark.parametrize("verb", ["add", "remove"])
@behaviour("members-change")
def test_members_that_are_no_numbers(world: World, verb: str, wrong: object) -> None:
    """Nothing changes; they are not ids of missing records."""
    create(world)
    response = put(world, f"1/memberships/{verb}", [world.contact(), wrong])

    assert (response.status, response.body["category"]) == (400, "VALIDATION_ERROR")
    assert response.message.startswith("Invalid input: recordId was ")
    assert not world.sim.store.lists.by_id["1"].members


@behaviour("members-json")
def test_changes_without_their_fields(world: World) -> None:
    create(world)

    assert refused(put(world, "1/memberships/add-and-remove", []))
    one = put(world, "1/memberships/add-and-remove", {"recordIdsToAdd": []})
    assert one.message.endswith("[recordIdsToRemove]")
    assert is_unknown(put(world, "7/memberships/add", []), "7")


@behaviour("members-whole-lists")
def test_adding_and_removing_all_members(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a", "b"):
        create(world, name)
    create(world, "companies", objectTypeId="0-2")
    ids = [world.contact() for _ in range(3)]
    put(world, "1/memberships/add", ids)
    added = put(world, "2/memberships/add-from/1")
    members = world.sim.store.lists.by_id["2"].members
    copied = [*members]
    removed = world.post(f"{PATH}/2/memberships", method="DELETE")
    left = [*members]
    monkeypatch.setattr("hubbatch.simulator.api.lists.members._MAX_MEMBERS", 2)

    assert (added.status, added.body, copied) == (204, b"", ids)
    assert (removed.status, left) == (204, [])
    assert refused(put(world, "2/memberships/add-from/1"))
    assert refused(put(world, "2/memberships/add-from/9"))
    assert refused(put(world, "2/memberships/add-from/3"))
    assert refused(world.post(f"{PATH}/1/memberships", method="DELETE"))


@behaviour("members-read")
def test_reading_members_as_recorded(world: World) -> None:
    """`after` is the next id in base64, encoded for a URL already."""
    create(world)
    ids = sorted((world.contact() for _ in range(5)), key=int)
    put(world, "1/memberships/add", ids[::-1])
    world.sim.store.archive("contacts", ids[4])
    first = world.get(f"{PATH}/1/memberships", limit="3")
    after = first.body["paging"]["next"]["after"]
    raw = base64.b64decode(unquote(after))
    second = world.get(f"{PATH}/1/memberships", limit="3", after=unquote(after))

    assert first.body["total"] == 4
    assert [each["recordId"] for each in first.body["results"]] == ids[:3]
    assert (len(raw), int.from_bytes(raw, "big")) == (8, int(ids[3]))
    assert first.body["paging"]["next"]["link"] == (
        f"https://api.hubapi.com{PATH}/1/memberships?limit=3&after={after}"
    )
    assert second.body == {
        "total": 4,
        "results": [
            {"recordId": ids[3], "membershipTimestamp": "2026-09-14T12:00:00Z"}
        ],
    }


@behaviour("members-read")
def test_the_order_of_joining(world: World) -> None:
    create(world)
    joined = []
    for _ in range(3):
        joined.append(world.contact())
        world.clock.at += 1
    joined.reverse()
    for each in joined:
        world.clock.at += 1
        put(world, "1/memberships/add", [each])
    path = f"{PATH}/1/memberships/join-order"
    first = world.get(path, limit="2")
    after = unquote(first.body["paging"]["next"]["after"])
    pages = (first, world.get(path, limit="2", after=after))

    assert [each["recordId"] for page in pages for each in page.body["results"]] == (
        joined
    )


@behaviour("members-read")
def test_refused_reads_of_members(world: World) -> None:
    create(world)
    path = f"{PATH}/1/memberships"

    assert refused(world.get(path, limit="251"))
    assert refused(world.get(path, after="AAAAMoEgcAg%3D"))
    assert refused(world.get(path, after="é"))
    assert is_unknown(world.get(f"{PATH}/9/memberships"), "9")
    assert world.get(path, before="AAAAMoEgcAg=").status == 501


@behaviour("members-of-record")
def test_the_lists_of_a_record(world: World) -> None:
    create(world)
    record_id = world.contact()
    put(world, "1/memberships/add", [record_id])
    response = world.get(f"{PATH}/records/0-1/{record_id}/memberships")

    assert response.body == {
        "total": 1,
        "results": [
            {
                "listId": "1",
                "listVersion": 1,
                "firstAddedTimestamp": "2026-09-14T12:00:00Z",
                "lastAddedTimestamp": "2026-09-14T12:00:00Z",
            }
        ],
    }


@behaviour("lists-scopes")
def test_scopes_of_lists(world: World) -> None:
    """Changing a list of contacts needs the scope to write contacts too."""
    create(world)
    scopes = ["crm.lists.read", "crm.lists.write"]
    writer, reader = (world.sim.issue_token(scopes=scopes[:n]) for n in (2, 1))
    both = world.sim.issue_token(scopes=[*scopes, "crm.objects.contacts.write"])

    def statuses(token: str) -> tuple[int, int, int]:
        path = f"{PATH}/1/memberships/add"
        return (
            world.get(f"{PATH}/1", token=token).status,
            world.post(f"{PATH}/search", {}, token=token).status,
            world.post(path, [], method="PUT", token=token).status,
        )

    assert statuses(reader) == (200, 200, 403)
    assert statuses(writer) == (200, 200, 403)
    assert statuses(both) == (200, 200, 200)


@behaviour("lists-create")
def test_ids_of_lists_are_free_numbers() -> None:
    lists = Lists(lambda: 0)
    lists.add("a", list_id="2")

    assert [lists.add(name).id for name in ("b", "c")] == ["3", "4"]


@behaviour("members-of-record")
def test_a_record_that_takes_the_place_of_another() -> None:
    lists = Lists(lambda: 0)
    one, two = lists.add("a"), lists.add("b")
    lists.put(one, ["1", "2"])
    lists.put(two, ["1"])
    lists.move("0-1", "1", "2")

    assert (one.members, two.members) == ({"2": 0}, {"2": 0})

    lists.forget("0-1", "2")

    assert (one.members, two.members) == ({}, {})

"""Which searches are refused, and in which words; limits and scopes."""

from typing import Any

import pytest

from .behaviours import behaviour
from .conftest import World
from .search_calls import contacts, invalid, refusal, search, where


GENERIC = "There was a problem with the request."
CLASS = "com.hubspot.inbounddb.publicobject.core.v3.search"


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"filterGroups": [{"filters": []}], "sorts": [], "after": "", "properties": []},
        {"filterGroups": None, "query": None, "limit": None, "after": None},
    ],
)
@behaviour("search-nothing-required")
def test_no_field_is_required(world: World, body: dict[str, Any]) -> None:
    ids = contacts(world, *({} for _ in range(12)))
    response = search(world, **body)

    assert response.body["total"] == 12
    assert [*response.by_id] == ids[:10]


@behaviour("search-types")
def test_an_unknown_type(world: World) -> None:
    assert refusal(search(world, "butterflies")) == (
        *(400, "Unable to infer object type from: butterflies"),
        None,
    )


@pytest.mark.parametrize(
    "item",
    [
        where("no_such_name", "HAS_PROPERTY"),
        where("associatedcompanyid", "EQ", "many"),
        where("createdate", "GT", "yesterday"),
        where("createdate", "GT", "9" * 5_000),
        where("firstname", "GT", "1789387200000"),
        where("associatedcompanyid", "CONTAINS_TOKEN", "9"),
        where("associations.butterfly", "EQ", "1"),
        where("associations.boat", "EQ", "1"),
        where("associations.company", "HAS_PROPERTY"),
    ],
)
@behaviour("search-generic")
def test_the_refusal_that_names_nothing(world: World, item: dict[str, Any]) -> None:
    world.sim.store.define("boat")

    assert refusal(search(world, filters=[item])) == (400, GENERIC, None)


@pytest.mark.parametrize(
    "body",
    [
        {"sorts": ["no_such_name"]},
        {"after": "next"},
        {"after": "-1"},
        {"after": "9" * 5_000},
        {"after": "9991"},
        {"after": 9801, "limit": 200},
        {"after": "10000", "limit": 1},
    ],
)
@behaviour("search-generic", "search-reachable")
def test_a_sort_or_an_offset_that_is_refused(
    world: World, body: dict[str, Any]
) -> None:
    assert refusal(search(world, **body)) == (400, GENERIC, None)


@behaviour("search-reachable")
def test_the_last_page_within_reach(world: World) -> None:
    assert search(world, after="9800", limit=200).status == 200


@pytest.mark.parametrize("limit", [0, -1, 201, "202"])
@behaviour("search-limit")
def test_a_limit_out_of_range(world: World, limit: object) -> None:
    response = search(world, limit=limit)

    assert (response.status, response.body["category"]) == (400, "VALIDATION_ERROR")


@behaviour("search-limit")
def test_limits(world: World) -> None:
    ids = contacts(world, *({} for _ in range(201)))

    assert [*search(world, limit=200).by_id] == ids[:200]
    assert [*search(world, limit="200", after=200).by_id] == ids[200:]


@pytest.mark.parametrize(
    ("item", "problem"),
    [
        (where("a", "BETWEEN", "1"), "operator BETWEEN requires a highValue"),
        (where("a", "BETWEEN", highValue="1"), "operator BETWEEN requires a value"),
        (where("a", "EQ"), "operator EQ requires a value"),
        (where("a", "IN", "1"), "operator IN does not support value"),
        (where("a", "IN"), "operator IN requires values"),
        (where("a", "NOT_IN", values=[]), "operator NOT_IN requires values"),
        (
            where("a", "NOT_HAS_PROPERTY", ""),
            "operator NOT_HAS_PROPERTY does not support value",
        ),
    ],
)
@behaviour("search-operands")
def test_operands_must_fit(world: World, item: dict[str, Any], problem: str) -> None:
    response = search(world, filters=[item])
    reason = f"Cannot construct instance of `{CLASS}.Filter`, problem: {problem}"

    assert response.body.get("category") is None
    assert response.status == 400
    assert response.message.endswith(reason)


@behaviour("search-json")
def test_a_filter_without_a_name(world: World) -> None:
    """As recorded in 2022; the column is the one after the filter."""
    response = search(world, filterGroups=[{"filters": [{"value": "x"}]}])
    reason = (
        "Cannot build Filter, some of required attributes are not set "
        "[propertyName, operator]"
    )

    assert refusal(response) == invalid(43, reason)


@behaviour("search-json")
def test_filter_groups_as_an_object(world: World) -> None:
    """As recorded in 2021."""
    reason = (
        "Cannot deserialize instance of `java.util.HashSet` out of START_OBJECT token"
    )

    assert refusal(search(world, filterGroups={"filters": []})) == invalid(18, reason)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"properties": "email"}, "`java.util.ArrayList` from String value"),
        ({"properties": [{}]}, "`java.lang.String` from Object value"),
        ({"filterGroups": ["x"]}, f"`{CLASS}.FilterGroup` from String value"),
        ({"filters": ["x"]}, f"`{CLASS}.Filter` from String value"),
        ({"filters": [where("a", "EQ", [])]}, "`java.lang.String` from Array value"),
        (
            {"filters": [where("a", "LIKE", "x")]},
            f'`{CLASS}.Operator` from String "LIKE": not one of the values accepted',
        ),
        ({"sorts": [1]}, f"`{CLASS}.Sort` from Integer value"),
        (
            {"sorts": [{"propertyName": "email", "direction": "UP"}]},
            f'`{CLASS}.Direction` from String "UP": not one of the values accepted',
        ),
        ({"limit": "ten"}, '`int` from String "ten": not a valid `int` value'),
        ({"limit": True}, "`int` from Boolean value"),
        ({"limit": "9" * 5_000}, f'`int` from String "{"9" * 5_000}": not a valid'),
    ],
)
@behaviour("search-json")
def test_values_of_a_wrong_type(
    world: World, body: dict[str, Any], message: str
) -> None:
    response = search(world, **body)

    assert (response.status, response.body.get("category")) == (400, None)
    assert f"Cannot deserialize value of type {message}" in response.message


@behaviour("search-json")
def test_a_body_that_is_no_object(world: World) -> None:
    listed = world.post("/crm/v3/objects/contacts/search", [])
    nothing = world.post("/crm/v3/objects/contacts/search", content=b"")
    unsorted = search(world, sorts=[{"direction": "ASCENDING"}])

    assert f"`{CLASS}.PublicObjectSearchRequest` from Array" in listed.message
    assert nothing.message.startswith("Invalid input JSON on line 1, column 1: ")
    assert unsorted.message.endswith("attributes are not set [propertyName]")


@pytest.mark.parametrize(
    ("sizes", "accepted"),
    [
        ([6, 6, 6], True),
        ([4, 4, 4, 3, 3], True),
        ([1] * 6, False),
        ([7], False),
        ([4, 4, 4, 4, 3], False),
    ],
)
@behaviour("search-filter-limits")
def test_how_many_filters(world: World, sizes: list[int], *, accepted: bool) -> None:
    item = where("email", "HAS_PROPERTY")
    groups = [{"filters": [item] * size} for size in sizes]
    response = search(world, filterGroups=groups)

    assert (response.status == 200) is accepted
    assert accepted or response.body["category"] == "VALIDATION_ERROR"


@behaviour("search-query")
def test_the_length_of_a_query(world: World) -> None:
    short, long = (search(world, query="x" * n) for n in (3_000, 3_001))

    assert short.status == 200
    assert (long.status, long.body["category"]) == (400, "VALIDATION_ERROR")


@behaviour("search-limit-family", "search-headers")
def test_five_searches_a_second_for_all_apps(world: World) -> None:
    """A 429 of policy SECONDLY, as recorded; it has daily headers only."""
    path = "/crm/v3/objects/contacts/search"
    other = world.sim.issue_token()
    tokens = [world.token, other, world.token, other, world.token]
    accepted = [world.post(path, {}, token=token) for token in tokens]
    refused = world.post(path, {}, token=other)
    elsewhere = world.batch("read", [])
    world.clock.at += 1
    later = world.post(path, {})

    assert {response.status for response in accepted} == {200}
    assert refused.status == 429
    assert refused.body == {
        "status": "error",
        "message": "You have reached your secondly limit.",
        "correlationId": refused.headers["X-HubSpot-Correlation-Id"],
        "category": "RATE_LIMITS",
    }
    assert (elsewhere.status, later.status) == (200, 200)
    for n, response in enumerate((*accepted, refused), 1):
        headers = {key: v for key, v in response.headers.items() if "RateLimit" in key}
        assert headers == {
            "X-HubSpot-RateLimit-Daily": "625000",
            "X-HubSpot-RateLimit-Daily-Remaining": str(625000 - min(n, 5)),
        }
        assert "Retry-After" not in response.headers


@behaviour("search-headers")
def test_a_public_app_gets_no_headers(world: World) -> None:
    token = world.sim.issue_token(tier="oauth")
    response = world.post("/crm/v3/objects/contacts/search", {}, token=token)

    assert response.status == 200
    assert [name for name in response.headers if "RateLimit" in name] == []


@behaviour("search-scopes")
def test_a_search_needs_the_scope_to_read(world: World) -> None:
    path = "/crm/objects/2026-09/contacts/search"
    reader, writer = (
        world.sim.issue_token(scopes=[f"crm.objects.contacts.{verb}"])
        for verb in ("read", "write")
    )

    assert world.post(path, {}, token=reader).status == 200
    assert world.post(path, {}, token=writer).status == 403

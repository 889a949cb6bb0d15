"""The list of a type's records, its pages and links, and the ids that order it."""

from itertools import pairwise
from urllib.parse import parse_qs, urlsplit

import aiohttp
import pytest

from hubbatch.simulator import Simulator

from .behaviours import behaviour
from .conftest import MakeWorld, Response, World


TICKETS = "/crm/v3/objects/tickets"


def get(world: World, path: str = TICKETS, **query: str) -> Response:
    return world.post(path, method="GET", query=query)


def ids(response: Response) -> list[str]:
    return [item["id"] for item in response.body["results"]]


# ---- ids


@behaviour("ids-in-no-order")
def test_ids_do_not_ascend_with_creation(world: World) -> None:
    made = [int(world.ticket()) for _ in range(200)]
    ascending = sum(before < after for before, after in pairwise(made))

    assert len(set(made)) == 200
    assert 60 < ascending < 140
    assert max(made) - min(made) < 1_000_000_000


@behaviour("ids-in-no-order")
def test_ids_of_later_days_are_higher(world: World) -> None:
    first = max(int(world.ticket()) for _ in range(20))
    world.clock.at += 86_400

    assert int(world.ticket()) > first


@behaviour("ids-in-no-order")
def test_ids_follow_the_seed(make_world: MakeWorld) -> None:
    worlds = [make_world(seed=seed) for seed in (1, 1, 2)]
    worlds[1].clock.at += 3600  # a slower run
    first, same, other = ([world.ticket() for _ in range(9)] for world in worlds)

    assert first == same
    assert set(first).isdisjoint(other)


@behaviour("ids-in-no-order", "list-records")
def test_a_record_created_during_a_walk_can_be_missed(world: World) -> None:
    """It is behind the cursor if its id is lower, which a walk cannot know."""
    for _ in range(20):
        world.ticket()
    cursor = get(world, limit="10").body["paging"]["next"]["after"]
    made = {world.ticket() for _ in range(20)}
    missed = made - {*ids(get(world, limit="100", after=cursor))}

    assert {int(each) < int(cursor) for each in missed} == {True}


# ---- pages


@behaviour("list-cursor")
def test_the_cursor_is_the_number_after_the_last_id(world: World) -> None:
    made = sorted(int(world.ticket()) for _ in range(3))
    page = get(world, limit="2").body

    assert page["paging"]["next"]["after"] == str(made[1] + 1)
    # It is a place to begin from, not the id of a record.
    assert ids(get(world, after=str(made[0] + 1))) == [*map(str, made[1:])]
    assert ids(get(world, after="")) == [*map(str, made)]


@behaviour("list-link")
def test_the_link_repeats_the_query(world: World) -> None:
    """As recorded: percent-encoded, with `after` as the last parameter."""
    for _ in range(3):
        world.ticket()
    query = {"properties": "subject,content", "limit": "1", "after": "1"}
    page = get(world, "/crm/objects/2026-03/tickets", **query).body
    following = page["paging"]["next"]

    assert following["link"] == (
        "https://api.hubapi.com/crm/objects/2026-03/tickets"
        f"?properties=subject%2Ccontent&limit=1&after={following['after']}"
    )


@behaviour("list-link")
async def test_links_lead_through_all_pages_of_this_server() -> None:
    """They have its scheme, host and port, and keep repeated parameters."""
    async with Simulator() as sim:
        made = {sim.store.create("tickets", {"subject": "x"}).id for _ in range(12)}
        headers = {"Authorization": f"Bearer {sim.token}"}
        url = f"{sim.url}{TICKETS}?limit=5&properties=subject&properties=content"
        found: list[str] = []
        pages = 0
        async with aiohttp.ClientSession(headers=headers) as http:
            while url:
                async with http.get(url) as answer:
                    body = await answer.json()
                found += [item["id"] for item in body["results"]]
                url = body.get("paging", {}).get("next", {}).get("link", "")
                pages += 1
                if url:
                    assert url.startswith(f"{sim.url}{TICKETS}?")
                    asked = parse_qs(urlsplit(url).query)
                    assert asked["properties"] == ["subject", "content"]

    assert pages == 3
    assert found == sorted(made, key=int)


@behaviour("list-link")
async def test_links_have_the_host_of_the_request() -> None:
    async with Simulator() as sim, aiohttp.ClientSession() as http:
        for _ in range(2):
            sim.store.create("tickets", {})
        headers = {"Authorization": f"Bearer {sim.token}", "Host": "hubspot.test:81"}
        url = f"{sim.url}{TICKETS}?limit=1"
        async with http.get(url, headers=headers) as answer:
            body = await answer.json()

    assert body["paging"]["next"]["link"].startswith(
        f"http://hubspot.test:81{TICKETS}?"
    )


# ---- what is shown


@behaviour("list-records", "shown-associations")
def test_associations_in_a_list(world: World) -> None:
    """As recorded: the key is missing on records without any."""
    linked, alone = sorted((world.ticket(), world.ticket()), key=int)
    contact = world.contact()
    links = world.sim.store.links
    links.link(("0-5", linked), ("0-1", contact), [links.default("0-5", "0-1")])
    first, second = get(world, associations="contacts,companies").body["results"]

    assert (first["id"], second["id"]) == (linked, alone)
    assert first["associations"] == {
        "contacts": {"results": [{"id": contact, "type": "ticket_to_contact"}]}
    }
    assert "associations" not in second
    assert get(world, associations="butterflies").status == 400


@behaviour("list-history")
def test_history_in_a_list(world: World) -> None:
    """The property is in both places, and at most 50 records are on a page."""
    world.ticket(subject="x", content="y")
    (record,) = get(world, propertiesWithHistory="subject").body["results"]

    assert record["properties"].keys() == {
        *("createdate", "hs_lastmodifieddate", "hs_object_id", "subject"),
    }
    assert record["propertiesWithHistory"]["subject"][0]["value"] == "x"
    for limit, status in (("50", 200), ("51", 400)):
        response = get(world, limit=limit, propertiesWithHistory="subject")
        assert response.status == status
    assert get(world, limit="100").status == 200


@behaviour("list-records", "shown-by-read")
def test_unset_properties_are_null_and_unknown_ones_missing(world: World) -> None:
    world.ticket(subject="x")
    (record,) = get(world, properties="content,nosuch").body["results"]

    assert record["properties"]["content"] is None
    assert record["properties"].keys().isdisjoint({"nosuch", "subject"})


@behaviour("list-archived")
def test_archived_records_have_a_list_of_their_own(world: World) -> None:
    gone, live = world.ticket(), world.ticket()
    world.sim.store.archive("tickets", gone)
    (archived,) = get(world, archived="true").body["results"]

    assert (archived["id"], archived["archived"]) == (gone, True)
    assert archived["archivedAt"] == "2026-09-14T12:00:00Z"
    assert ids(get(world)) == [live]


@behaviour("list-archived")
def test_archived_meetings_have_no_list(world: World) -> None:
    response = get(world, "/crm/v3/objects/0-47", archived="true")

    assert response.status == 400
    assert response.message == "Paging through deleted objects is not yet supported"
    assert get(world, "/crm/v3/objects/meetings").status == 200


@pytest.mark.parametrize("change", ["archive", "merge", "create", "purge"])
@behaviour("list-records")
def test_a_list_after_a_change(world: World, change: str) -> None:
    """The order of ids is kept up to date."""
    store = world.sim.store
    keep, other = world.ticket(), world.ticket()
    assert len(ids(get(world))) == 2
    expected = {keep}
    match change:
        case "archive":
            store.archive("tickets", other)
        case "merge":
            store.merge("tickets", other, keep)
        case "purge":
            store.purge("tickets", other)
        case _:
            expected |= {other, world.ticket()}

    assert ids(get(world)) == sorted(expected, key=int)


@pytest.mark.parametrize("name", ["limit", "after"])
@behaviour("list-records")
def test_numbers_of_too_many_digits(world: World, name: str) -> None:
    assert get(world, **{name: "9" * 5_000}).status == 400


@pytest.mark.parametrize(("length", "status"), [(16_200, 200), (16_201, 414)])
@behaviour("long-url")
async def test_the_length_of_a_url(length: int, status: int) -> None:
    async with Simulator() as sim, aiohttp.ClientSession() as http:
        headers = {"Authorization": f"Bearer {sim.token}"}
        target = f"{TICKETS}?properties="
        target += "x" * (length - len(target))
        async with http.get(sim.url + target, headers=headers) as answer:
            assert answer.status == status

"""Searches on a virtual clock: every record once, within the limit of searches."""

import asyncio
import re

from collections import deque
from collections.abc import Callable
from random import Random
from typing import Any

import orjson
import pytest

from attrs import define, field
from hypothesis import given, settings
from hypothesis import strategies as st

from hubbatch import (
    HubBatch,
    HubSpotUnavailable,
    InvalidRequestError,
    ListError,
    RecordInvalid,
    RetryPolicy,
)
from hubbatch._http import Answer, NoAnswer, Request, Response
from tests.net.crm import SECRET, page, refusal, throttled
from tests.net.virtual import VirtualTimeLoop


LIMIT, REACHABLE = 5, 10_000
NAMELESS = refusal(400, "There was a problem with the request.")
# Recorded by an integration: no policy, no Retry-After.
SECONDLY = refusal(429, "You have reached your secondly limit.", "RATE_LIMITS")
FATES: dict[str, Answer | None] = {
    "fine": None,
    "429": SECONDLY,
    "429 with a policy": throttled("SECONDLY"),
    "502": page(502),
    "503": refusal(503, "Service unavailable"),
    "lost": NoAnswer(sent=True, reason="connection reset"),
    "truncated": Response(200, {}, b'{"total":3,"results":[{"id":"1"'),
}


def now() -> float:
    return asyncio.get_running_loop().time()


@define(eq=False)
class Portal:
    """A transport to a HubSpot that holds records, and counts searches strictly.

    `fates` are those of the next searches, or their answers. `before` is called before
    each search that succeeds. A request is counted up to `delay` seconds after it was
    sent.
    """

    records: dict[int, dict[str, str]] = field(factory=dict)
    fates: deque[Any] = field(factory=deque)
    before: Callable[["Portal"], None] = lambda _: None
    page: int = 200
    delay: float = 0.19
    latency: tuple[float, float] = (0.2, 0.6)
    random: Random = field(factory=lambda: Random(5))
    bodies: list[Any] = field(factory=list)  # of the accepted searches
    accepted: list[float] = field(factory=list)
    refused: list[float] = field(factory=list)
    questions: int = 0  # requests for the definitions of properties
    types: dict[str, str] = field(factory=lambda: {"name": "string", "n": "number"})
    _window: deque[float] = field(factory=deque)

    async def send(self, request: Request, on_sent: Any) -> Answer:
        on_sent()
        if not request.path.endswith("/search"):
            self.questions += 1
            listed = [{"name": name, "type": kind} for name, kind in self.types.items()]
            return Response(200, {}, orjson.dumps({"results": listed}))
        await asyncio.sleep(self.random.uniform(0, self.delay))
        answer = self._answer(orjson.loads(request.body))
        await asyncio.sleep(self.random.uniform(*self.latency))
        return answer

    def _answer(self, body: Any) -> Answer:
        while self._window and self._window[0] <= now() - 1:
            self._window.popleft()
        if len(self._window) >= LIMIT:
            self.refused.append(now())
            return SECONDLY
        self._window.append(now())
        self.accepted.append(now())
        fate = self.fates.popleft() if self.fates else None
        fate = FATES[fate] if isinstance(fate, str) else fate
        if fate is not None:
            return fate
        self.bodies.append(body)
        self.before(self)
        return Response(200, {}, orjson.dumps(self._found(body)))

    def _found(self, body: Any) -> Any:
        matches = [
            number
            for number, properties in self.records.items()
            if any(
                all(_meets(number, properties, one) for one in group["filters"])
                for group in body.get("filterGroups", [{"filters": []}])
            )
        ]
        [sort] = body.get("sorts", [None])
        if sort is not None:
            name, down = sort["propertyName"], sort["direction"] == "DESCENDING"
            matches.sort(key=lambda each: _key(each, self.records[each], name))
            matches = matches[::-1] if down else matches
        start = int(body.get("after", 0))
        end = start + min(body["limit"], self.page)
        shown = [
            {"id": str(each), "properties": self.records[each]}
            for each in matches[start:end]
        ]
        found: dict[str, Any] = {"total": len(matches), "results": shown}
        if end < len(matches):
            found["paging"] = {"next": {"after": str(end)}}
        return found

    def retire(self) -> None:
        pass

    async def aclose(self) -> None:
        pass


def _key(number: int, properties: dict[str, str], name: str) -> int | str:
    return number if name == "hs_object_id" else properties[name]


def _meets(number: int, properties: dict[str, str], item: dict[str, Any]) -> bool:
    key = _key(number, properties, item["propertyName"])
    match item["operator"]:
        case "GT":
            return int(key) > int(item["value"])
        case "IN":
            return str(key).lower() in [*item["values"]]
        case _:
            return bool(str(key) == item["value"])


def client(portal: Portal, attempts: int = 5) -> HubBatch:
    hub = HubBatch(SECRET, retry=RetryPolicy(attempts=attempts))
    hub._state.transport = portal
    return hub


def run(coroutine: Any) -> Any:
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return runner.run(coroutine)


ids = st.integers(1, 2**63 - 1)


# ---- every record once


@settings(max_examples=60)
@given(
    there=st.sets(ids, max_size=30),
    others=st.sets(ids, max_size=30),
    size=st.integers(1, 7),
    fates=st.lists(st.sampled_from([*FATES]), max_size=12),
    query=st.sampled_from([None, "printer"]),
    groups=st.permutations([{"name": "a"}, {"name": "x"}, {"name": "y"}]),
    changes=st.lists(
        st.lists(
            st.tuples(st.integers(0), st.sampled_from(["a", "b", None])), max_size=3
        )
    ),
)
def test_each_record_that_matches_throughout_comes_exactly_once(
    there: set[int],
    others: set[int],
    size: int,
    fates: list[str],
    query: str | None,
    groups: list[dict[str, str]],
    changes: list[list[tuple[int, str | None]]],
) -> None:
    """Whatever the ids and the pages, and what is written and refused meanwhile.

    The ids do not grow with creation: records are created, deleted and changed before
    any page, with any id.
    """
    changing = sorted(others - there)

    def meanwhile(portal: Portal) -> None:
        for place, name in changes.pop() if changes and changing else ():
            each = changing[place % len(changing)]
            portal.records.pop(each, None)
            if name is not None:
                portal.records[each] = {"name": name}

    async def search() -> list[int]:
        records = {each: {"name": "a"} for each in there}
        portal = Portal(records, deque(fates), meanwhile, size)
        hub = client(portal, attempts=20)
        found = hub.tickets.search(filter_groups=groups, query=query)
        numbers = [int(each.id) async for each in found]
        assert all(body.get("query") == query for body in portal.bodies)
        await hub.aclose()
        return numbers

    found = run(search())
    assert found == sorted(set(found))
    assert there <= set(found) <= there | others


@settings(max_examples=40)
@given(
    there=st.sets(ids, max_size=30),
    size=st.integers(1, 7),
    limit=st.integers(1, 40),
    start=st.integers(0, 30),
)
def test_pages_can_be_resumed_and_a_limit_ends_them(
    there: set[int], size: int, limit: int, start: int
) -> None:
    async def search() -> tuple[list[int], list[int]]:
        hub = client(Portal({each: {} for each in there}, page=size))
        whole = [int(one.id) async for one in hub.tickets.search(limit=limit)]
        ordered = sorted(there)
        after = str(ordered[start]) if start < len(ordered) else None
        rest = [
            int(one.id)
            async for page in hub.tickets.search_pages(after=after)
            for one in page.records
        ]
        return whole, rest

    whole, rest = run(search())
    ordered = sorted(there)
    assert whole == ordered[:limit]
    assert rest == (ordered[start + 1 :] if start < len(ordered) else ordered)


async def test_a_limit_asks_for_no_more_than_it_needs() -> None:
    portal = Portal({each: {} for each in range(1, 1_000)})
    found = [one async for one in client(portal).tickets.search(limit=250)]
    assert len(found) == 250
    assert [body["limit"] for body in portal.bodies] == [200, 50]


async def test_an_id_that_is_not_a_number_ends_the_search() -> None:
    odd = {"total": 1, "results": [{"id": "a1", "properties": {}}]}
    portal = Portal(fates=deque([Response(200, {}, orjson.dumps(odd))]))
    with pytest.raises(ListError, match="whose id is not a number, but 'a1'"):
        await anext(client(portal).tickets.search())


async def test_a_page_with_more_than_requested_ends_at_the_limit() -> None:
    records = [{"id": str(each), "properties": {}} for each in (1, 2, 3)]
    paging = {"next": {"after": "3"}}
    more = {"results": records, "total": 9, "paging": paging}
    portal = Portal(fates=deque([Response(200, {}, orjson.dumps(more))]))
    found = [one.id async for one in client(portal).tickets.search(limit=2)]
    assert found == ["1", "2"]
    assert len(portal.accepted) == 1


async def test_a_property_that_no_match_has_is_warned_of_once_if_it_is_unknown() -> (
    None
):
    portal = Portal({each: {"name": "a"} for each in range(1, 402)})
    tickets = client(portal).tickets
    with pytest.warns(UserWarning, match='no property "nme" \\(did you mean "name"'):
        found = [one async for one in tickets.search(properties=["nme", "name", "n"])]
    assert (len(found), portal.questions) == (401, 1)


async def test_properties_that_exist_need_no_definitions() -> None:
    portal = Portal({1: {"name": "a"}})
    tickets = client(portal).tickets
    assert [one async for one in tickets.search(properties=["name"])]
    assert not [one async for one in tickets.search({"name": "b"}, properties=["n"])]
    assert portal.questions == 0


# ---- a sort


async def test_a_sort_reaches_10_000_records_and_says_so() -> None:
    count = REACHABLE + 1
    portal = Portal({each: {"n": f"{-each:06}"} for each in range(1, count + 1)})
    search = client(portal).tickets.search(sort="-n")
    found = [(await anext(search)).id for _ in range(REACHABLE)]
    with pytest.raises(ListError, match=r"only the first 10,000 matches of a search w"):
        await anext(search)
    assert len(found) == len(set(found)) == REACHABLE
    assert len(portal.bodies) == REACHABLE // 200


@pytest.mark.parametrize(
    ("count", "limit"), [(REACHABLE, None), (REACHABLE + 1, REACHABLE)]
)
async def test_a_sort_ends_quietly_with_the_last_record(
    count: int, limit: int | None
) -> None:
    portal = Portal({each: {"n": f"{each:06}"} for each in range(1, count + 1)})
    search = client(portal).tickets.search(sort="n", limit=limit)
    assert [int(one.id) async for one in search] == [*range(1, REACHABLE + 1)]


async def test_a_sort_by_id_reaches_all_records() -> None:
    portal = Portal({each: {} for each in range(1, REACHABLE + 2)})
    search = client(portal).tickets.search(sort="hs_object_id")
    assert len([one async for one in search]) == REACHABLE + 1


async def test_a_record_that_moves_to_a_later_page_of_a_sort_comes_once() -> None:
    def move(portal: Portal) -> None:
        portal.records[1]["n"] = str(len(portal.bodies))

    portal = Portal({each: {"n": "0"} for each in range(1, 8)}, before=move, page=2)
    found = [one.id async for one in client(portal).tickets.search(sort="n")]
    assert len(found) == len(set(found))


async def test_a_record_that_is_twice_on_a_page_of_a_sort_comes_once() -> None:
    twice = {"total": 2, "results": [{"id": "1", "properties": {}}] * 2}
    portal = Portal(fates=deque([Response(200, {}, orjson.dumps(twice))]))
    search = client(portal).tickets.search(sort="n")
    assert [one.id async for one in search] == ["1"]


async def test_a_sort_with_a_limit_ends_quietly_even_if_records_came_twice() -> None:
    def move(portal: Portal) -> None:
        if len(portal.bodies) > 1:  # to the middle of the page
            portal.records[1]["n"] = f"{len(portal.bodies) * 200 - 100:06}.5"

    records = {each: {"n": f"{each:06}"} for each in range(1, REACHABLE + 100)}
    portal = Portal(records, before=move)
    search = client(portal).tickets.search(sort="n", limit=REACHABLE)
    found = [one.id async for one in search]
    assert len(found) == len(set(found)) < REACHABLE


@pytest.mark.parametrize("sort", [5, "", "-", ["n"]])
def test_a_sort_is_the_name_of_a_property(sort: Any) -> None:
    with pytest.raises(TypeError, match="sort must be the name of a property"):
        HubBatch(SECRET).tickets.search(sort=sort)


# ---- what is refused


async def test_a_refusal_without_a_cause_names_the_unknown_property() -> None:
    portal = Portal(fates=deque([NAMELESS, NAMELESS]))
    hub = client(portal)
    wanted = r"tickets has no property 'name_'\. Did you mean 'name'\? 400: There was a"
    with pytest.raises(InvalidRequestError, match=wanted):
        await anext(hub.tickets.search({"name_": 1}))
    with pytest.raises(InvalidRequestError, match=wanted):
        await hub.tickets.count({"name_": 1})
    assert portal.questions == 2


async def test_a_refusal_stays_as_it_is_if_the_definitions_cannot_be_read() -> None:
    class Broken(Portal):
        async def send(self, request: Request, on_sent: Any) -> Answer:
            on_sent()
            return NAMELESS if "search" in request.path else refusal(403, "No scope")

    with pytest.raises(InvalidRequestError) as caught:
        await client(Broken()).tickets.count({"name_": 1})
    assert caught.value.advice == ""


async def test_another_refusal_needs_no_definitions() -> None:
    other = refusal(400, "Unable to infer object type from: cars")
    portal = Portal(fates=deque([other]))
    with pytest.raises(InvalidRequestError, match="account has no such object type"):
        await client(portal).objects("cars").count()
    assert portal.questions == 0


async def test_a_search_that_is_never_answered() -> None:
    portal = Portal(fates=deque(["502"] * 20))
    with pytest.raises(HubSpotUnavailable):
        await anext(client(portal).tickets.search())


async def test_a_page_that_does_not_advance_ends_the_search() -> None:
    stuck = orjson.dumps(
        {
            "total": 9,
            "results": [{"id": "7", "properties": {}}],
            "paging": {"next": {"after": "1"}},
        }
    )
    portal = Portal(fates=deque([Response(200, {}, stuck)] * 2))
    found = client(portal).tickets.search()
    assert (await anext(found)).id == "7"
    with pytest.raises(ListError, match="the page after 7 has no new record"):
        await anext(found)


@pytest.mark.parametrize("limit", [0, -1, True, "5", 1.0])
def test_a_limit_is_a_number_of_records(limit: Any) -> None:
    with pytest.raises(ValueError, match="limit must be a number of 1 or more, not"):
        HubBatch(SECRET).tickets.search(limit=limit)


@pytest.mark.parametrize("after", ["", "x", "-1", 5, "²"])
def test_pages_continue_after_an_id(after: Any) -> None:
    with pytest.raises(ValueError, match="after must be the id of a record, not"):
        HubBatch(SECRET).tickets.search_pages(after=after)


async def test_a_closed_client_does_not_search() -> None:
    hub = HubBatch(SECRET)
    await hub.aclose()
    for call in (hub.tickets.search, hub.tickets.search_pages):
        with pytest.raises(RuntimeError, match="This client is closed"):
            call()
    with pytest.raises(RuntimeError, match="This client is closed"):
        await hub.tickets.count()


async def test_nothing_is_sent_for_a_filter_that_hubspot_would_refuse() -> None:
    portal = Portal()
    hub = client(portal)
    with pytest.raises(ValueError, match="The filter EQ on 'name' needs a value"):
        hub.tickets.search({"name": None})
    with pytest.raises(ValueError, match="at most 6 filters in a group"):
        await hub.tickets.count({f"p{n}": n for n in range(7)})
    assert (portal.accepted, portal.questions) == ([], 0)


# ---- near misses


def test_a_search_that_is_awaited() -> None:
    search: Any = HubBatch(SECRET).tickets.search()
    hint = "The records of tickets.search() arrive page by page. Write `async for"
    with pytest.raises(TypeError, match=re.escape(hint)):
        list(search)
    with pytest.raises(TypeError, match=re.escape(hint)):
        search.__await__()
    assert repr(search) == "<RecordIterator tickets.search()>"


@pytest.mark.parametrize("word", ["find", "filter", "query", "searching"])
def test_what_others_call_a_search(word: str) -> None:
    with pytest.raises(AttributeError, match="Did you mean `search`"):
        getattr(HubBatch(SECRET).tickets, word)


# ---- definitions


async def test_values_in_mixed_case_need_the_types_once() -> None:
    portal = Portal({1: {"name": "Ada"}, 2: {"name": "ada"}, 3: {"name": "x"}}, page=1)
    wanted = [{"propertyName": "name", "operator": "IN", "values": ["ADA"]}]
    found = [one.id async for one in client(portal).contacts.search(wanted)]
    assert found == ["1", "2"]
    assert portal.questions == 1
    assert await client(portal).contacts.count(wanted) == 2


async def test_values_in_lower_case_need_no_types() -> None:
    portal = Portal({1: {"name": "Ada"}})
    wanted = [{"propertyName": "name", "operator": "IN", "values": ["ada"]}]
    assert await client(portal).contacts.count(wanted) == 1
    assert portal.questions == 0


# ---- the limit


@pytest.mark.parametrize("delay", [0.0, 0.05, 0.19])
@pytest.mark.parametrize("latency", [(0.05, 0.1), (0.2, 0.6), (1.0, 3.0)])
async def test_many_searches_use_the_limit_and_get_no_429(
    delay: float, latency: tuple[float, float]
) -> None:
    """A request may arrive 0.2 s late, so five leave in 1.2 s: 83 % of the limit."""
    portal = Portal(delay=delay, latency=latency)
    hub = client(portal)

    async def ask() -> None:
        while now() < 60:
            await hub.tickets.count()

    await asyncio.gather(*(ask() for _ in range(20)))
    assert portal.refused == []
    used = sum(at < 60 for at in portal.accepted) / (LIMIT * 60)
    assert 0.82 < used < 0.85
    families = hub.limits.families
    assert (families["search"].max_requests, families["search"].interval) == (5, 1.0)


async def test_a_429_of_the_search_holds_no_other_call() -> None:
    portal = Portal(fates=deque(["429"]))
    hub = client(portal)
    search = asyncio.create_task(hub.tickets.count())
    await asyncio.sleep(0.9)
    assert hub.limits.families["search"].held_for > 0
    assert hub.limits.held_for == 0
    assert await hub.properties("tickets").list()
    assert not search.done()
    assert await search == 0


# ---- typed


async def test_a_record_that_does_not_fit_its_class_ends_the_search() -> None:
    from attrs import define as plain  # noqa: PLC0415 -- as a caller's own class

    @plain
    class Item:
        id: str
        n: int

    portal = Portal({1: {"n": "5"}, 2: {"n": "many"}})
    found = client(portal).tickets.search(into=Item)
    assert await anext(found) == Item("1", 5)
    with pytest.raises(RecordInvalid):
        await anext(found)
    assert portal.bodies[0]["properties"] == ["n"]

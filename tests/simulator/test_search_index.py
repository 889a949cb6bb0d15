"""Searches compared with a filter that reads record after record."""

import re

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

from hypothesis import given, settings
from hypothesis import strategies as st

from hubbatch.simulator import Simulator
from hubbatch.simulator.api.records.search import search_records

from .behaviours import behaviour


Values = Mapping[str, str]
Match = Callable[[str | None], bool]

STAGES = ("lead", "customer", "subscriber")
VALUES = {
    "name": st.sampled_from(["Ada", "ada", "Bob Lee", "bob", "Ada Lee", "É"]),
    "annualrevenue": st.sampled_from(["1", "10", "9.5", "-3", "100", "1e2"]),
    "lifecyclestage": st.sampled_from(STAGES),
    "closedate": st.sampled_from(
        ["2026-01-01T00:00:00.000Z", "2026-01-02T00:00:00.500Z", "1999-12-31"]
    ),
}
KEYS: dict[str, Callable[[str], Any]] = {
    "name": str.lower,
    "annualrevenue": float,
    "lifecyclestage": str,
    "closedate": lambda value: datetime.fromisoformat(value).replace(tzinfo=UTC),
}
COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "EQ": lambda mine, asked: mine == asked,
    "NEQ": lambda mine, asked: mine != asked,
    "LT": lambda mine, asked: mine < asked,
    "LTE": lambda mine, asked: mine <= asked,
    "GT": lambda mine, asked: mine > asked,
    "GTE": lambda mine, asked: mine >= asked,
}
RANGES = {"annualrevenue", "closedate"}


def words(value: str) -> set[str]:
    return {*re.split(r"\W+", value.lower())}


def is_met(item: dict[str, Any], values: Values) -> bool:
    name, operator = item["propertyName"], item["operator"]
    value, key = values.get(name), KEYS[name]
    if operator in ("HAS_PROPERTY", "NOT_HAS_PROPERTY"):
        return bool((value is None) == operator.startswith("NOT"))
    if value is None:
        return False
    if operator in ("IN", "NOT_IN"):
        asked = item["values"]
        if name in RANGES:
            asked = [key(each) for each in asked]
        return bool((key(value) in asked) != operator.startswith("NOT"))
    if operator in ("CONTAINS_TOKEN", "NOT_CONTAINS_TOKEN"):
        mine = words(value)
        asked = words(item["value"])
        if operator == "CONTAINS_TOKEN":
            return asked <= mine
        return asked.isdisjoint(mine)
    if operator == "BETWEEN":
        return bool(key(item["value"]) <= key(value) <= key(item["highValue"]))
    return COMPARISONS[operator](key(value), key(item["value"]))


@st.composite
def filters(draw: st.DrawFn) -> dict[str, Any]:
    name = draw(st.sampled_from([*VALUES]))
    operators = ["EQ", "NEQ", "IN", "NOT_IN", "HAS_PROPERTY", "NOT_HAS_PROPERTY"]
    if name in RANGES:
        operators += ["LT", "LTE", "GT", "GTE", "BETWEEN"]
    elif name == "name":
        operators += ["CONTAINS_TOKEN", "NOT_CONTAINS_TOKEN"]
    operator = draw(st.sampled_from(operators))
    item: dict[str, Any] = {"propertyName": name, "operator": operator}
    if operator.endswith("IN"):
        item["values"] = draw(st.lists(VALUES[name], min_size=1, max_size=3))
    elif not operator.endswith("PROPERTY"):
        item["value"] = draw(VALUES[name])
    if operator == "BETWEEN":
        item["highValue"] = draw(VALUES[name])
    return item


RECORDS = st.lists(st.fixed_dictionaries({}, optional=VALUES), max_size=25)
GROUPS = st.lists(st.lists(filters(), max_size=3), max_size=4)
SORTS = st.sampled_from([None, *VALUES, *(f"-{name}" for name in VALUES)])


def ordered(records: list[tuple[str, Values]], sort: str | None) -> list[str]:
    """Sort hits as HubSpot does: records without a value last."""
    if sort is None:
        return [record_id for record_id, _ in records]
    name = sort.removeprefix("-")
    having = [pair for pair in records if name in pair[1]]
    having.sort(key=lambda pair: KEYS[name](pair[1][name]))
    if sort.startswith("-"):
        # Equal values come in the opposite order too.
        having.reverse()
    rest = [pair for pair in records if name not in pair[1]]
    return [record_id for record_id, _ in [*having, *rest]]


def pages(sim: Simulator, body: dict[str, Any], size: int) -> list[str]:
    shelf = sim.store.shelf("companies")
    assert shelf is not None
    hits: list[str] = []
    after = "0"
    while True:
        content = msgspec.json.encode({**body, "limit": size, "after": after})
        page = search_records(sim.store, shelf, content, sim.clock.ms())
        hits += [result["id"] for result in page["results"]]
        if "paging" not in page:
            assert page["total"] == len(hits)
            return hits
        after = page["paging"]["next"]["after"]


@given(RECORDS, GROUPS, SORTS, st.integers(1, 7))
@settings(max_examples=300, deadline=None)
@behaviour("search-operators", "search-groups", "search-sort", "search-negated")
def test_a_search_is_a_filter(
    records: list[Values],
    groups: list[list[dict[str, Any]]],
    sort: str | None,
    size: int,
) -> None:
    sim = Simulator(seed=1, clock=lambda: 0.0)
    stored = create(sim, records)
    body: dict[str, Any] = {"filterGroups": [{"filters": group} for group in groups]}
    if sort is not None:
        body["sorts"] = [sort]
    expected = [
        (record_id, values)
        for record_id, values in stored
        if not groups
        or any(all(is_met(item, values) for item in group) for group in groups)
    ]

    assert pages(sim, body, size) == ordered(expected, sort)


def create(sim: Simulator, records: list[Values]) -> list[tuple[str, Values]]:
    """Create records without the values that HubSpot would add, and sort them by id.

    All have the same date, and ids do not ascend with creation.
    """
    stored = []
    for values in records:
        record = sim.store.create("companies", {})
        record.properties = {**values, "hs_object_id": record.id}
        stored.append((record.id, values))
    return sorted(stored, key=lambda pair: int(pair[0]))


@given(RECORDS, RECORDS, GROUPS, SORTS)
@settings(max_examples=200, deadline=None)
@behaviour("search-follows-writes")
def test_an_index_that_follows_writes_equals_a_new_one(
    records: list[Values],
    writes: list[Values],
    groups: list[list[dict[str, Any]]],
    sort: str | None,
) -> None:
    sim = Simulator(seed=1, clock=lambda: 0.0)
    store, shelf = sim.store, sim.store.shelf("companies")
    assert shelf is not None
    body: dict[str, Any] = {"filterGroups": [{"filters": group} for group in groups]}
    if sort is not None:
        body["sorts"] = [sort]
    # Enough others for single writes to be small changes.
    create(sim, [{}] * 40)
    for n, (record_id, _) in enumerate(create(sim, records)):
        pages(sim, body, 200)
        if n < len(writes):
            cleared = dict.fromkeys(VALUES, "") if n % 2 else {}
            shelf.write(shelf.records[record_id], {**cleared, **writes[n]}, 1)
        else:
            store.archive("companies", record_id)
    followed = pages(sim, body, 200)
    store.indexes.clear()

    assert pages(sim, body, 200) == followed


@given(RECORDS, filters(), st.integers(1, 7))
@settings(max_examples=100, deadline=None)
@behaviour("search-keyset")
def test_a_walk_by_key_is_complete(
    records: list[Values], item: dict[str, Any], size: int
) -> None:
    sim = Simulator(seed=1, clock=lambda: 0.0)
    shelf = sim.store.shelf("companies")
    assert shelf is not None
    expected = [key for key, values in create(sim, records) if is_met(item, values)]
    walked, last = list[str](), "0"
    while True:
        key = {"propertyName": "hs_object_id", "operator": "GT", "value": last}
        body = {"filters": [item, key], "sorts": ["hs_object_id"], "limit": size}
        content = msgspec.json.encode(body)
        page = search_records(sim.store, shelf, content, sim.clock.ms())
        walked += [result["id"] for result in page["results"]]
        if "paging" not in page:
            break
        last = walked[-1]

    assert walked == expected

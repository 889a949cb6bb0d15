"""A search request: its pages, and what is wrong with one that HubSpot refuses."""

import re

from collections.abc import Sequence
from typing import Any

import pytest

from hypothesis import given
from hypothesis import strategies as st

from hubbatch import Filter, ListError
from hubbatch._wire.codecs.search import Found
from hubbatch._wire.filters import filter_groups
from hubbatch._wire.search_request import SearchRequest
from hubbatch.models import Property, SimplePublicObject


EVERYTHING = filter_groups(None, None)
DEFINITIONS = [
    Property("subject", type="string"),
    Property("amount", type="number"),
    Property("closed", type="datetime"),
    Property("stage", type="enumeration"),
    Property("hs_object_id", type="number"),
]


def request(filters: Any = None, several: Any = None, **options: Any) -> SearchRequest:
    return SearchRequest(filter_groups(filters, several), **options)


def found(ids: Sequence[object], after: str | None = None) -> Found:
    return Found([SimplePublicObject(str(each), {}) for each in ids], 99, after)


def above(cursor: str) -> dict[str, object]:
    return {"propertyName": "hs_object_id", "operator": "GT", "value": cursor}


# ---- bodies


def test_a_page_asks_for_the_records_after_the_last_id_in_every_group() -> None:
    body = request(None, [{"a": 1}, {"b": 2}], properties=("x",)).body("512")
    assert body == {
        "limit": 200,
        "sorts": [{"propertyName": "hs_object_id", "direction": "ASCENDING"}],
        "properties": ["x"],
        "filterGroups": [
            {
                "filters": [
                    {"propertyName": "a", "operator": "EQ", "value": "1"},
                    above("512"),
                ]
            },
            {
                "filters": [
                    {"propertyName": "b", "operator": "EQ", "value": "2"},
                    above("512"),
                ]
            },
        ],
    }


def test_a_search_for_words_only_has_a_group_for_its_pages() -> None:
    body = request(query="printer").body("512", 7)
    assert body["filterGroups"] == [{"filters": [above("512")]}]
    assert (body["query"], body["limit"]) == ("printer", 7)
    assert "properties" not in body


def test_a_count_has_no_filter_of_its_own() -> None:
    assert request(is_count=True).body(limit=1) == {"limit": 1}


@pytest.mark.parametrize(
    ("sort", "direction"), [("amount", "ASCENDING"), ("-amount", "DESCENDING")]
)
def test_a_sort_is_paged_by_offset(sort: str, direction: str) -> None:
    wanted = {"sorts": [{"propertyName": "amount", "direction": direction}]}
    first, last = request(sort=sort).body(), request(sort=sort).body("9900")
    assert first == {"limit": 200, **wanted}
    assert last == {"limit": 100, "after": "9900", **wanted}


def test_a_sort_ends_where_hubspot_ends_it() -> None:
    with pytest.raises(ListError, match=r"only the first 10,000 matches of a search w"):
        request(sort="amount").body("10000")


@pytest.mark.parametrize("query", ["", "  ", "x" * 3_001, " " * 3_001])
def test_a_query_that_hubspot_refuses(query: str) -> None:
    with pytest.raises(ValueError, match=r"query must have 1 to 3,000 characters"):
        request(query=query)


def test_a_query_is_a_string() -> None:
    with pytest.raises(TypeError, match="query must be a str, not 5"):
        request(query=5)


def test_a_filter_of_each_group_belongs_to_the_pages() -> None:
    six = [Filter(f"p{n}", "=", n) for n in range(6)]
    with pytest.raises(ValueError, match="at most 5 filters in a group, as the search"):
        request(six)
    assert request(six, sort="amount").groups == request(six, is_count=True).groups


# ---- pages


@given(
    st.sets(st.integers(1, 2**63 - 1), min_size=1).map(sorted),
    st.integers(0, 2**63 - 1),
    st.sampled_from([None, "200"]),
)
def test_a_page_goes_on_after_its_last_record(
    ids: list[int], cursor: int, after: str | None
) -> None:
    """Ids are compared as integers, and what came before is left out."""
    fresh = [each for each in ids if each > cursor]
    answer = found(ids, after)
    if not fresh and after is not None:
        with pytest.raises(ListError, match="does not advance"):
            request().page(answer, str(cursor))
        return
    page = request().page(answer, str(cursor))
    assert [int(each.id) for each in page.records] == fresh
    assert page.after == (after and str(fresh[-1]))


def test_a_record_that_a_page_repeats_comes_once() -> None:
    page = request().page(found([4, 5, 5, 9]), "4")
    assert [each.id for each in page.records] == ["5", "9"]


def test_a_page_in_another_order_would_miss_records() -> None:
    with pytest.raises(ListError, match="in the order of their ids: 9 comes after 10"):
        request().page(found([10, 9]), "0")


def test_an_empty_page_is_the_last_one() -> None:
    page = request().page(found([]), "7")
    assert (page.records, page.after) == ([], None)


def test_the_next_page_of_a_sort_is_an_offset() -> None:
    page = request(sort="amount").page(found([9, 3, 7], "203"), "200")
    assert [each.id for each in page.records] == ["9", "3", "7"]
    assert page.after == "203"
    assert request(sort="amount").page(found([1]), "200").after is None


@pytest.mark.parametrize("after", ["200", "199", "abc", "-1"])
def test_an_offset_that_does_not_grow_would_loop(after: str) -> None:
    with pytest.raises(ListError, match="the page after 200 has no new record"):
        request(sort="amount").page(found([1], after), "200")


# ---- types


def test_the_values_of_in_are_in_lower_case_for_strings_only() -> None:
    wanted = request(
        [
            Filter("subject", "in", ["Printer", "ON FIRE"]),
            Filter("subject", "not in", values=["a"]),
            Filter("subject", "=", "Printer"),
            Filter("stage", "in", ["New", "OLD"]),
            Filter("unknown", "in", ["New"]),
        ]
    )
    assert wanted.needs_types
    assert wanted.in_lower_case(DEFINITIONS) == request(
        [
            Filter("subject", "in", values=["printer", "on fire"]),
            Filter("subject", "not in", values=["a"]),
            Filter("subject", "=", "Printer"),
            Filter("stage", "in", ["New", "OLD"]),
            Filter("unknown", "in", ["New"]),
        ]
    )


def test_no_types_are_needed_for_values_in_lower_case() -> None:
    assert not request([Filter("x", "in", ["a"]), Filter("y", "=", "B")]).needs_types


# ---- diagnosis


@pytest.mark.parametrize(
    ("item", "problem"),
    [
        (
            Filter("sbject", "=", 1),
            "tickets has no property 'sbject'. Did you mean 'subject'?",
        ),
        (Filter("zzz", "=", 1), "tickets has no property 'zzz'."),
        (
            Filter("subject", ">", 1),
            "'subject' is of type string, which GT does not support.",
        ),
        (
            Filter("stage", "between", 1, high_value=2),
            "'stage' is of type enumeration, which BETWEEN does not support.",
        ),
        (
            Filter("amount", "contains", 1),
            "'amount' is of type number, which CONTAINS_TOKEN does not support.",
        ),
        (
            Filter("amount", "=", "many"),
            "'amount' is of type number, so send a number instead of 'many'.",
        ),
        (
            Filter("closed", "between", 1, high_value="2026-01-01"),
            (
                "'closed' is of type datetime, so send a date or datetime object "
                "instead of '2026-01-01'."
            ),
        ),
        (
            Filter("amount", "in", [1, "x"]),
            "'amount' is of type number, so send a number instead of 'x'.",
        ),
        (
            Filter("associations.contact", ">", 5),
            (
                "'associations.contact' takes the operator EQ only, with the id of a "
                "record."
            ),
        ),
    ],
)
def test_the_cause_that_hubspot_does_not_name(item: Filter, problem: str) -> None:
    fine = [Filter("subject", "contains", "x"), Filter("amount", "in", [1, 2.5])]
    assert request([*fine, item]).diagnose("tickets", DEFINITIONS) == problem


def test_all_causes_are_named_once() -> None:
    wanted = request(None, [{"a": 1}, {"a": 2}, {"b": 1}], sort="-c")
    assert wanted.diagnose("tickets", DEFINITIONS) == (
        "tickets has no property 'a'. tickets has no property 'b'. tickets has no "
        "property 'c'."
    )


def test_a_request_without_a_known_cause() -> None:
    fine = [
        Filter("associations.contact", "=", 5),
        Filter("stage", "has property"),
        Filter("closed", "<", 5),
    ]
    wanted = request(fine, sort="amount")
    said = wanted.diagnose("tickets", DEFINITIONS)
    assert re.match("The properties exist, and the filters fit their types", said)
    assert "named after an object type of HubSpot in the singular" in said
    said = request(fine[1:]).diagnose("tickets", DEFINITIONS)
    assert said.endswith("such as the bodies of activities.")


@pytest.mark.parametrize("text", ["\ud800", "fire \udcff"])
def test_text_that_is_not_utf8_is_refused_before_it_is_sent(text: str) -> None:
    with pytest.raises(ValueError, match="query has text that cannot be written"):
        request(None, query=text)
    with pytest.raises(ValueError, match="filter EQ on 'subject' cannot be sent"):
        Filter("subject", "=", text)
    with pytest.raises(ValueError, match="filter IN on 'subject' cannot be sent"):
        Filter("subject", "in", ["fire", text])

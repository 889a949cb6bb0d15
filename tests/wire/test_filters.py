"""The filters of a search: what is sent, and what is refused before that."""

import re

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from enum import Enum
from typing import Any

import pytest

from hypothesis import given
from hypothesis import strategies as st

from hubbatch import Filter
from hubbatch._wire.filters import _ALIASES, _OPERANDS, check_counts, filter_groups


NAIVE = datetime(2026, 5, 31, 12)  # noqa: DTZ001 -- a time without a zone
HIGH = Filter("hs_ticket_priority", "=", "HIGH")


class Stage(Enum):
    OPEN = "1"


class Numpy:
    """A scalar of numpy's: `kind` "M" is a datetime64, which has no time zone."""

    def __init__(self, kind: str) -> None:
        self.dtype = type("dtype", (), {"kind": kind})

    def item(self) -> int:
        return 5


def sent(operator: str, value: Any = None, **more: Any) -> dict[str, object]:
    json = Filter("x", operator, value, **more).to_json()
    assert json.pop("propertyName") == "x"
    return json


# ---- operators


@pytest.mark.parametrize(
    ("written", "operator"),
    [
        *_ALIASES.items(),
        *((name, name) for name in _OPERANDS),
        ("contains", "CONTAINS_TOKEN"),
        ("not in", "NOT_IN"),
        (" In ", "IN"),
        ("between", "BETWEEN"),
        ("has property", "HAS_PROPERTY"),
    ],
)
def test_an_operator_is_sent_as_hubspot_names_it(written: str, operator: str) -> None:
    operands: dict[str, dict[str, Any]] = {
        "IN": {"values": ["a"]},
        "NOT_IN": {"values": ["a"]},
        "HAS_PROPERTY": {},
        "NOT_HAS_PROPERTY": {},
        "BETWEEN": {"value": 1, "high_value": 2},
    }
    made = Filter("x", written, **operands.get(operator, {"value": "a"}))
    assert made.operator == operator
    assert made.to_json()["operator"] == operator


def test_an_unknown_operator_is_named_with_one_that_resembles_it() -> None:
    with pytest.raises(ValueError, match=r"no operator 'betweens'\. Did you mean 'BE"):
        Filter("x", "betweens", 1)
    with pytest.raises(ValueError, match=r"no operator '~'\. The operators are =, !="):
        Filter("x", "~", 1)


@pytest.mark.parametrize("name", [None, 5, ""])
def test_a_filter_needs_the_name_of_a_property(name: Any) -> None:
    with pytest.raises((TypeError, ValueError), match=r"(?i)property name"):
        Filter(name, "=", 1)


def test_an_operator_is_a_string() -> None:
    with pytest.raises(TypeError, match="operator of a filter must be a str, not 5"):
        Filter("x", 5, 1)  # type: ignore[arg-type] # wrong on purpose


# ---- operands


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("a", "a"),
        (" a ", " a "),
        (512, "512"),
        (1.5, "1.5"),
        (Decimal("0.10"), "0.10"),
        (True, "true"),
        (False, "false"),
        (Stage.OPEN, "1"),
        (Numpy("i"), "5"),
        (date(2026, 1, 1), "1767225600000"),
        (datetime(2026, 1, 1, tzinfo=UTC), "1767225600000"),
        (datetime(2026, 1, 1, 1, tzinfo=timezone(timedelta(hours=1))), "1767225600000"),
        (datetime(2026, 1, 1, 0, 0, 0, 1999, tzinfo=UTC), "1767225600001"),
    ],
)
def test_a_value_is_sent_as_a_string(value: Any, written: str) -> None:
    assert sent("=", value) == {"operator": "EQ", "value": written}


@given(st.datetimes(timezones=st.just(UTC)))
def test_an_instant_is_sent_in_milliseconds(instant: datetime) -> None:
    since = instant - datetime(1970, 1, 1, tzinfo=UTC)
    assert sent(">", instant)["value"] == str(since // timedelta(milliseconds=1))


def test_both_ends_of_a_range_are_sent() -> None:
    expected = {"operator": "BETWEEN", "value": "1", "highValue": "2"}
    assert sent("between", 1, high_value=2) == expected


@pytest.mark.parametrize("options", [{"value": ["b", 1]}, {"values": ("b", 1)}])
def test_the_values_of_in_may_be_its_value(options: dict[str, Any]) -> None:
    assert sent("in", **options) == {"operator": "IN", "values": ["b", "1"]}


@pytest.mark.parametrize(
    ("operator", "options", "problem"),
    [
        ("=", {}, "needs a value. To find records without a value, use the operator"),
        ("=", {"value": ""}, "has an empty value. To find"),
        ("=", {"value": "  "}, "has an empty value"),
        ("=", {"value": Numpy("M")}, "without a time zone. Set one."),
        ("=", {"value": NAIVE}, "has the time datetime.datetime(2026, 5, 31, 12, 0)"),
        ("=", {"value": ["a"]}, "takes single values, not ['a']. Use 'in' for several"),
        ("=", {"value": {"a": 1}}, "takes single values"),
        ("=", {"value": float("nan")}, "cannot be sent: property 'x' is not a finite"),
        ("=", {"value": object()}, "cannot be sent: property 'x' has a value of"),
        ("=", {"value": "a", "high_value": "b"}, "takes no high_value."),
        ("=", {"value": "a", "values": ["b"]}, "takes no values"),
        ("between", {"value": 1}, "needs a high_value"),
        ("in", {}, "needs values"),
        ("in", {"value": []}, "needs values: a list of one or more."),
        ("in", {"value": "a"}, "takes no value. Put the values in a list."),
        ("in", {"value": "a", "values": ["b"]}, "takes no value."),
        ("in", {"values": ["b"], "high_value": 1}, "takes no high_value."),
        ("in", {"values": [["a"]]}, "takes single values"),
        ("in", {"values": [None]}, "has an empty value"),
        ("has_property", {"value": "a"}, "takes no value."),
    ],
)
def test_operands_must_fit_the_operator(
    operator: str, options: dict[str, Any], problem: str
) -> None:
    with pytest.raises(ValueError, match=re.escape(problem)) as caught:
        Filter("x", operator, **options)
    assert str(caught.value).startswith("The filter ")
    assert " on 'x' " in str(caught.value)


@pytest.mark.parametrize("values", ["abc", b"ab", {"a": 1}, 5])
def test_values_are_a_list(values: Any) -> None:
    with pytest.raises(TypeError, match="values of a filter must be a list, not"):
        Filter("x", "in", values=values)


def test_whether_values_are_in_lower_case() -> None:
    assert Filter("x", "in", ["a", "B"]).has_case
    assert not Filter("x", "in", ["a", 1]).has_case
    assert not Filter("x", "=", "B").has_case


# ---- groups


def groups(filters: Any = None, several: Any = None) -> list[list[str]]:
    """Return the values of the filters in each group."""
    return [
        [str(one.to_json()["value"]) for one in group]
        for group in filter_groups(filters, several)
    ]


def test_no_filters_are_one_group_that_every_record_meets() -> None:
    assert groups() == groups([]) == groups({}) == [[]]


def test_filters_are_equalities_or_filters_or_hubspots_dicts() -> None:
    assert filter_groups({"x": 1, "y": True}, None) == (
        (Filter("x", "EQ", 1), Filter("y", "EQ", value=True)),
    )
    theirs = {"propertyName": "x", "operator": "BETWEEN", "value": 1, "highValue": 2}
    listed = {"propertyName": "x", "operator": "IN", "values": ["a"]}
    assert filter_groups([HIGH, theirs, listed], None) == (
        (
            HIGH,
            Filter("x", "between", 1, high_value=2),
            Filter("x", "in", values=["a"]),
        ),
    )


def test_filters_hold_in_addition_to_one_of_the_groups() -> None:
    assert groups({"a": 1}, [{"b": 2}, [Filter("c", "=", 3)]]) == [
        ["1", "2"],
        ["1", "3"],
    ]
    assert groups(None, [{"filters": [HIGH]}, {"b": 2}]) == [["HIGH"], ["2"]]


@pytest.mark.parametrize(
    ("filters", "several", "problem"),
    [
        (HIGH, None, "filters must be a list of filters. Put Filter("),
        (HIGH.to_json(), None, "filters must be a list of filters. Put {"),
        ("createdate", None, "filters must be a mapping of property names to values"),
        (5, None, "or a list of filters, not 5"),
        ([("x", "=", 1)], None, "A filter is a Filter(property_name, operator, value)"),
        (None, {"filters": []}, "filter_groups must be a list of groups, not {'filter"),
        (None, 5, "filter_groups must be a list of groups, not 5"),
        (None, [HIGH], "A group of filter_groups must be a list of filters. Put"),
    ],
)
def test_filters_of_a_wrong_type(filters: Any, several: Any, problem: str) -> None:
    with pytest.raises(TypeError, match=re.escape(problem)):
        filter_groups(filters, several)


@pytest.mark.parametrize(
    ("filters", "several", "problem"),
    [
        ([{"propertyname": "x"}], None, "A filter has no key 'propertyname'; its keys"),
        ([{"propertyName": "x"}], None, "lacks 'operator'"),
        ([{"operator": "EQ"}], None, "lacks 'propertyName'"),
        (None, [], "filter_groups is empty, so no record could match"),
        (None, [[]], "A group of filter_groups is empty, so every record would match"),
        ({"x": 1}, [{}], "A group of filter_groups is empty"),
    ],
)
def test_filters_that_say_nothing(filters: Any, several: Any, problem: str) -> None:
    with pytest.raises(ValueError, match=re.escape(problem)):
        filter_groups(filters, several)


# ---- how many


@pytest.mark.parametrize(
    ("sizes", "own", "problem"),
    [
        ([1] * 6, 0, "at most 5 groups of filters; this one has 6."),
        ([7], 0, "at most 6 filters in a group; this one has 7."),
        ([6], 1, "at most 5 filters in a group, as the search adds a filter to each"),
        ([5, 5, 5, 4], 0, "at most 18 filters in all; this one has 19."),
        ([5, 5, 5], 1, None),
        ([4, 4, 4, 3], 1, "at most 14 filters in all, as the search adds a filter to"),
        ([6, 6, 6], 0, None),
        ([0], 1, None),
    ],
)
def test_how_many_filters_hubspot_accepts(
    sizes: list[int], own: int, problem: str | None
) -> None:
    several = tuple((HIGH,) * size for size in sizes)
    if problem is None:
        check_counts(several, own=own)
        return
    with pytest.raises(ValueError, match=re.escape(problem)):
        check_counts(several, own=own)

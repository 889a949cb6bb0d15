from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any, Literal

import pytest

from hypothesis import given
from hypothesis import strategies as st

from hubbatch._wire.from_text import can_be, hook_to
from hubbatch._wire.property_values import property_values


class Priority(Enum):
    LOW = "low"
    HIGH = "high"


# HubSpot keeps instants to the millisecond.
INSTANTS = st.integers(0, 7 * 10**12).map(
    lambda instant: datetime.fromtimestamp(instant // 1000, UTC).replace(
        microsecond=instant % 1000 * 1000
    )
)
TEXTS = st.text(st.characters(codec="utf-8", exclude_characters=";"), min_size=1)
SCALARS: dict[Any, st.SearchStrategy[Any]] = {
    str: TEXTS,
    int: st.integers(),
    float: st.floats(allow_nan=False, allow_infinity=False),
    Decimal: st.decimals(allow_nan=False, allow_infinity=False),
    bool: st.booleans(),
    datetime: INSTANTS,
    date: st.dates(date(1970, 1, 1)),
    Priority: st.sampled_from(Priority),
    Literal["a", 1, True]: st.sampled_from(["a", 1]),
}


@pytest.mark.parametrize("of_type", SCALARS, ids=str)
@given(data=st.data())
def test_what_is_written_is_read_back(of_type: Any, data: st.DataObject) -> None:
    value = data.draw(SCALARS[of_type])
    text = property_values({"value": value})["value"]
    assert text is not None
    assert hook_to(of_type)(text, of_type) == value


@given(st.lists(st.integers()))
def test_a_list_is_what_semicolons_join(values: list[int]) -> None:
    text = ";".join(map(str, values))
    assert hook_to(list[int])(text, list[int]) == values


@pytest.mark.parametrize(
    ("of_type", "text"),
    [
        (int, "1.5"),
        (int, "1e300000000"),
        (int, "many"),
        (float, "inf"),
        (Decimal, "NaN"),
        (bool, "yes"),
        (datetime, "yesterday"),
        (date, "2026-01-01T10:00:00Z"),
        (Priority, "URGENT"),
        (Literal["a"], "b"),
        (list[int], "1;two"),
    ],
)
def test_what_is_not_of_the_type_is_refused(of_type: Any, text: str) -> None:
    with pytest.raises((ValueError, ArithmeticError, LookupError)):
        hook_to(of_type)(text, of_type)


@pytest.mark.parametrize(
    "of_type",
    [bytes, dict[str, str], list[list[int]], tuple[int, int], list[bytes]],
    ids=str,
)
def test_what_a_property_cannot_be(of_type: Any) -> None:
    assert not can_be(of_type)

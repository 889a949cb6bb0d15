"""Records read a column at a time are what they are one by one."""

from collections.abc import Callable
from typing import Any

import pytest

from hypothesis import example, given
from hypothesis import strategies as st

from hubbatch._wire.record_columns import (
    structure_object,
    structure_objects,
    structure_upsert_object,
    structure_upsert_objects,
)


MADE = "2024-08-15T17:09:13.648Z"
PLAIN: dict[str, Any] = {
    "id": "1",
    "properties": {"subject": "a"},
    "createdAt": MADE,
    "updatedAt": MADE,
    "archived": False,
}
HISTORY = {"subject": [{"value": "b", "timestamp": MADE}]}
TIMES: st.SearchStrategy[Any] = st.sampled_from(
    [MADE, "2024-08-15", "2024-08-15T17:09:13+02:00", "soon", None, 1, []]
)
FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "id": st.sampled_from(["1", "2", 3, None, 1.5, True]),
    "properties": st.sampled_from([{}, {"a": None}, None, [], "text"]),
    "createdAt": TIMES,
    "updatedAt": TIMES,
    "archivedAt": TIMES,
    "archived": st.sampled_from([True, None, "yes"]),
    "propertiesWithHistory": st.sampled_from([HISTORY, {}, None, [], "text"]),
    "objectWriteTraceId": st.sampled_from(["0", None, [], 5]),
    "url": st.sampled_from(["https://app.hubspot.com", None, {}]),
    "warnings": st.sampled_from([[{"message": "m"}], None, "w"]),
    "new": st.sampled_from([True, False, None, 1]),
    "future": st.none(),
}
RECORDS = st.builds(
    lambda changes, missing: {
        name: value for name, value in {**PLAIN, **changes}.items() if name != missing
    },
    st.fixed_dictionaries({}, optional=FIELDS),
    st.none() | st.sampled_from([*PLAIN]),
)
ANSWERS = st.one_of(
    st.lists(RECORDS, max_size=4),
    st.builds(lambda record, count: [record] * count, RECORDS, st.integers(1, 3)),
    st.lists(RECORDS | st.none() | st.just("text") | st.just([]) | st.just({})),
)


def or_none(read: Callable[[Any], Any], raw: Any) -> Any:
    try:
        return read(raw)
    except (LookupError, TypeError, AttributeError, ValueError):
        return None


@given(ANSWERS)
@example([PLAIN, {**PLAIN, "url": "x"}])
@example([{"id": "12"}, {"id": "34"}])
@example([{**PLAIN, "id": 1}, PLAIN])
@example([{**PLAIN, "propertiesWithHistory": HISTORY}])
def test_columns_are_records(answer: list[Any]) -> None:
    """One that cannot be read is None, and spoils none of the others."""
    for many, one in (
        (structure_objects, structure_object),
        (structure_upsert_objects, structure_upsert_object),
    ):
        expected = [or_none(one, raw) for raw in answer]

        assert many(answer) == expected


@pytest.mark.parametrize("count", [0, 1, 100])
def test_any_number_of_records(count: int) -> None:
    answer = [{**PLAIN, "id": str(place), "new": True} for place in range(count)]

    assert [one and one.id for one in structure_objects(answer)] == [
        str(place) for place in range(count)
    ]
    assert all(one and one.new for one in structure_upsert_objects(answer))

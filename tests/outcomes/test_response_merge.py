"""Several answers as one."""

from datetime import UTC, datetime
from functools import reduce
from itertools import pairwise
from typing import Any

import pytest

from hypothesis import given
from hypothesis import strategies as st

from hubbatch._outcomes.response import merge
from hubbatch.models import BatchResponse, ErrorDetail, StandardError


ORDER = ("COMPLETE", "PENDING", "PROCESSING", "CANCELED")

Response = BatchResponse[Any]

TEXTS = st.sampled_from(["a", "b", "c"])
CONTEXTS = st.none() | TEXTS | st.dictionaries(TEXTS, st.lists(TEXTS, max_size=2))
ERRORS = st.builds(
    StandardError,
    category=TEXTS,
    sub_category=st.none() | TEXTS | st.just({"deep": [{"er": 1}]}),
    context=CONTEXTS,
    errors=st.lists(
        st.builds(ErrorDetail, message=TEXTS, context=CONTEXTS), max_size=1
    ),
)
INSTANTS = st.none() | st.integers(0, 50).map(lambda s: datetime.fromtimestamp(s, UTC))
RESPONSES = st.builds(
    BatchResponse,
    st.sampled_from([*ORDER, "SOMETHING_NEW", "OTHER"]),
    st.lists(st.integers(0, 5), max_size=3),
    st.integers(0, 5),
    st.lists(ERRORS, max_size=3),
    INSTANTS,
    INSTANTS,
    INSTANTS,
    st.dictionaries(TEXTS, TEXTS),
)
PARTS = st.lists(RESPONSES, max_size=5)


@given(RESPONSES, RESPONSES, RESPONSES)
def test_the_grouping_does_not_matter(a: Response, b: Response, c: Response) -> None:
    assert merge([merge([a, b]), c]) == merge([a, merge([b, c])]) == merge([a, b, c])


@given(PARTS)
def test_it_is_a_fold(parts: list[Response]) -> None:
    step_by_step: Response = reduce(
        lambda merged, part: merge([merged, part]), parts, BatchResponse()
    )

    assert step_by_step == merge(parts)


@given(RESPONSES)
def test_the_empty_response_is_the_unit(part: Response) -> None:
    empty: Response = BatchResponse()

    assert merge([empty, part]) == merge([part, empty]) == merge([part])
    assert merge([]) == empty == merge([empty, empty])


@given(PARTS)
def test_fields(parts: list[Response]) -> None:
    merged = merge(parts)

    def given_ones(name: str) -> list[datetime]:
        values = [getattr(part, name) for part in parts]
        return [value for value in values if value is not None]

    assert merged.results == [item for part in parts for item in part.results]
    assert merged.num_errors == sum(part.num_errors for part in parts)
    assert merged.requested_at == min(given_ones("requested_at"), default=None)
    assert merged.started_at == min(given_ones("started_at"), default=None)
    assert merged.completed_at == max(given_ones("completed_at"), default=None)
    assert merged.links.keys() == {name for part in parts for name in part.links}
    assert all(
        link in [part.links.get(name) for part in parts]
        for name, link in merged.links.items()
    )


@given(PARTS)
def test_errors_are_united_in_order(parts: list[Response]) -> None:
    given_errors = [error for part in parts for error in part.errors]
    distinct: list[StandardError] = []
    for error in given_errors:
        if error not in distinct:
            distinct.append(error)

    assert merge(parts).errors == distinct


@given(PARTS)
def test_the_parts_are_not_changed(parts: list[Response]) -> None:
    before = [merge([part]) for part in parts]
    merge(parts)

    assert [merge([part]) for part in parts] == before
    assert merge(parts).results is not (parts[0].results if parts else None)


@pytest.mark.parametrize(("less", "more"), [*pairwise(ORDER), ("CANCELED", "NEW")])
def test_the_order_of_status(less: str, more: str) -> None:
    parts: list[Response] = [BatchResponse(less), BatchResponse(more)]

    assert merge(parts).status == merge(parts[::-1]).status == more


def test_errors_are_the_same_only_if_all_of_them_is() -> None:
    """Lists and tuples are one; the order of a mapping does not count."""
    detail = ErrorDetail("m", context={"a": ["1"], "b": ["2"]})
    same = ErrorDetail("m", context={"b": ["2"], "a": ["1"]})
    errors = [
        StandardError(category="A", errors=[detail]),
        StandardError(category="A", errors=(same,)),
        StandardError(category="A", errors=[detail, detail]),
        StandardError(category="A", message="m", errors=[detail]),
    ]
    merged: Response = merge([BatchResponse(errors=errors)])

    assert merged.errors == [errors[0], errors[2], errors[3]]

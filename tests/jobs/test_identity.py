"""How one job differs from another."""

from typing import Any

import pytest

from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from hubbatch.jobs.journal.identity import Identity


WORDS = st.sampled_from(["a", "b", "c"])
JOBS = st.builds(
    Identity,
    verb=WORDS,
    object_type=WORDS,
    source=WORDS,
    fingerprint=st.none() | WORDS,
    options=st.dictionaries(WORDS, WORDS),
    outputs=st.dictionaries(WORDS, WORDS),
)
JOB = Identity(
    verb="update",
    object_type="tickets",
    source="rows.csv",
    fingerprint="f",
    options={"id_property": "ref"},
    outputs={},
)


@given(JOBS, JOBS)
def test_jobs_differ_unless_only_the_name_of_the_source_does(
    one: Identity, other: Identity
) -> None:
    same = evolve(one, source=other.source) == other

    assert (not [*one.differences(other)]) == same


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"verb": "create"}, "verb was update and is create"),
        ({"object_type": "deals"}, "object_type was tickets and is deals"),
        ({"options": {}}, "id_property was ref and is not set"),
        ({"options": {"id_property": 5}}, "id_property was ref and is 5"),
        ({"outputs": {"results": "r"}}, "results was not set and is r"),
        ({"fingerprint": "g"}, "the content of the source rows.csv has changed"),
        (
            {"fingerprint": None},
            "the content of the source rows.csv cannot be compared",
        ),
    ],
)
def test_the_difference_is_named(change: dict[str, Any], told: str) -> None:
    assert [*evolve(JOB, **change).differences(JOB)] == [told]

"""The bad records of a refused chunk: found by what the refusal says, or by halving."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import orjson
import pytest

from attrs import Factory, define, field
from hypothesis import given
from hypothesis import strategies as st

from hubbatch._outcomes.chunk_state import Certainty, Step
from hubbatch._outcomes.classify import classify
from hubbatch._outcomes.effects import NoteSplit
from hubbatch._outcomes.queue import Chunk
from hubbatch._outcomes.splitting import BadRecordRate, halve, sample, split, suspects
from hubbatch._outcomes.verdicts import Refused
from hubbatch._wire.endpoints import Operation, operation_for
from hubbatch.errors import APIError
from hubbatch.models import ErrorDetail

from .fake_run import FakeRun
from .helpers import (
    CREATE,
    LEGACY,
    READ,
    UPDATE,
    UPSERT,
    attempted,
    chunk_of,
    respond,
    some_chunk,
)


V1_READ = operation_for("legacy", "read", "tickets")
V1_ARCHIVE = operation_for("legacy", "archive", "tickets")
PAIRS = operation_for(
    "associations", "create_default", "contacts", "companies", api_version="v3"
)
SCHEMAS = operation_for("schemas", "read", api_version="v3")


def creates(*properties: Mapping[str, str]) -> Chunk:
    return chunk_of(CREATE, [{"properties": texts} for texts in properties])


def refused(message: str = "no", **more: Any) -> APIError:
    return APIError(message, status=400, category="VALIDATION_ERROR", **more)


def listing(*problems: Mapping[str, Any]) -> APIError:
    told = orjson.dumps(problems).decode()
    return refused(f"Property values were not valid: {told}")


def indices(parts: Iterable[Chunk]) -> list[list[int]]:
    return [part.indices for part in parts]


# ---- whom a refusal speaks of


@pytest.mark.parametrize("name", ["ids", "id"])
def test_named_by_record_ids(name: str) -> None:
    error = refused(context={name: ["102", "100", "777"]})
    assert suspects(some_chunk(UPDATE, 4), error) == {0, 2}


def test_named_by_unique_values_in_any_case() -> None:
    error = refused(context={"ids": ["R101"]})
    assert suspects(some_chunk(UPSERT, 4), error) == {1}


def test_an_empty_id_in_a_context_names_nobody() -> None:
    assert suspects(some_chunk(UPDATE, 3), refused(context={"ids": [""]})) == set()


def test_a_context_that_is_a_text_names_nobody() -> None:
    assert suspects(some_chunk(UPDATE, 3), refused(context="101")) == set()


def test_named_by_a_quoted_value() -> None:
    chunk = creates({"due": "soon"}, {"due": "asd000"}, {"due": "ASD000"}, {"x": "1"})
    error = listing(
        {"name": "due", "error": "INVALID_LONG", "message": "asd000 was not a long."}
    )
    assert suspects(chunk, error) == {1, 2}


def test_a_value_of_another_property_is_no_quote() -> None:
    chunk = creates({"due": "asd000"}, {"subject": "asd000"})
    error = listing({"name": "due", "message": "asd000 was not a valid long."})
    assert suspects(chunk, error) == {0}


def test_a_part_of_a_longer_word_is_no_quote() -> None:
    chunk = creates({"rank": "5"}, {"rank": "55"}, {"rank": "5.5"})
    error = listing({"name": "rank", "message": "55 was not a valid long."})
    assert suspects(chunk, error) == {1}


@pytest.mark.parametrize("code", ["PROPERTY_DOESNT_EXIST", "READ_ONLY_VALUE"])
def test_named_by_a_property_whatever_its_value_is(code: str) -> None:
    chunk = creates({"good": "1"}, {"frist_name": "a"}, {"frist_name": "b"})
    error = listing({"name": "frist_name", "error": code, "message": "it is wrong"})
    assert suspects(chunk, error) == {1, 2}


def test_the_causes_of_an_error_are_read_too() -> None:
    """Where the message lists nothing; a detail without a context says nothing."""
    details = [
        ErrorDetail("soon was not a valid long.", "INVALID_LONG", context="due"),
        ErrorDetail(
            "never was not a valid long.",
            "INVALID_LONG",
            context={"propertyName": ["due"]},
        ),
        ErrorDetail(
            None, "PROPERTY_DOESNT_EXIST", context={"propertyName": ["nonsense"]}
        ),
        ErrorDetail(None, "INVALID_LONG", context={"other": ["x"]}),
    ]
    chunk = creates({"due": "soon"}, {"due": "never"}, {"nonsense": "x"}, {"a": "b"})
    assert suspects(chunk, refused(errors=details)) == {1, 2}


OPTIONS = "reports was not one of the allowed options: [SALES, BILLING, OTHER]"


def test_listed_options_are_no_quotes() -> None:
    chunk = creates({"kind": "SALES"}, {"kind": "reports"}, {"kind": "BILLING"})
    problem = {"name": "kind", "error": "INVALID_OPTION", "message": OPTIONS}
    detail = ErrorDetail(OPTIONS, "INVALID_OPTION", context={"propertyName": ["kind"]})
    assert suspects(chunk, listing(problem)) == {1}
    assert suspects(chunk, refused(errors=[detail])) == {1}
    assert suspects(chunk, refused(OPTIONS)) == {1}


def test_listed_options_are_no_quotes_where_the_property_is_nobodys() -> None:
    chunk = creates({"type": "SALES"}, {"type": "other"}, {"type": "x"})
    problem = {"name": "kind", "error": "INVALID_OPTION", "message": OPTIONS}
    assert suspects(chunk, listing(problem)) == set()


def test_named_by_the_one_value_that_a_plain_message_quotes() -> None:
    chunk = creates({"plate": "B-17"}, {"plate": "B-1"}, {"plate": "B-18"})
    message = (
        "Cannot set PropertyValueCoordinates{portalId=1, propertyName=plate, "
        "value=b-17} on 90001. 90000 already has that value."
    )
    assert suspects(chunk, refused(message)) == {0}


def test_a_value_of_two_inputs_tells_nothing() -> None:
    chunk = creates({"a": "same"}, {"b": "same"}, {"c": "other"})
    assert suspects(chunk, refused("same is not allowed")) == set()


def test_a_short_value_tells_nothing() -> None:
    """It may stand in the message by chance."""
    chunk = creates({"a": "no"}, {"a": "yes"})
    assert suspects(chunk, refused("no such thing")) == set()


def test_an_existing_id_names_nobody() -> None:
    """It is the record that has the value already, not one that was sent."""
    message = "Contact already exists. Existing ID: 171591000198"
    error = refused(message, context={"existingId": ["171591000198"]})
    owner = {"id": "171591000198", "properties": {"parent": "171591000198"}}
    other = {"id": "171591000199", "properties": {"parent": "1"}}
    assert suspects(chunk_of(UPDATE, [owner, other]), error) == set()


def test_the_properties_of_the_old_api_are_read() -> None:
    inputs = [
        {"objectId": n, "properties": {"due": text}}
        for n, text in enumerate(["soon", "5"], 1)
    ]
    error = listing({"name": "due", "message": "soon was not a valid long."})
    assert suspects(chunk_of(LEGACY, inputs), error) == {0}


def test_the_value_of_the_id_property_was_written_too() -> None:
    inputs = [{"id": text, "properties": {"a": "b"}} for text in ("fine", "b@d")]
    error = listing({"name": "ref", "message": "b@d is invalid"})
    assert suspects(chunk_of(UPSERT, inputs), error) == {1}


def test_inputs_without_properties() -> None:
    assert suspects(some_chunk(READ, 3), refused("100 is not valid")) == set()


@pytest.mark.parametrize("operation", [V1_READ, V1_ARCHIVE, SCHEMAS])
def test_inputs_that_are_bare_ids_or_names(operation: Operation) -> None:
    """Their bodies are no objects, so nothing in them could be quoted."""
    chunk = chunk_of(operation, [100, 101] if operation is not SCHEMAS else ["a", "b"])
    assert suspects(chunk, refused("100 is not valid")) == set()


COORDINATES = "missingObjectPropertyValueCoordinates"


@pytest.mark.parametrize(
    ("told", "named"),
    [
        (["PropertyValueCoordinates 0-5 ref:r101"], {1}),
        (["0-5, ref:R100", "0-5, ref:r102", "0-5, ref:r999"], {0, 2}),
        (["ref:"], set()),
        (["other_ref:r101"], set()),
        (["r101"], set()),
    ],
)
def test_named_by_coordinates(told: list[str], named: set[int]) -> None:
    error = refused(context={COORDINATES: told})
    assert suspects(some_chunk(UPSERT, 4), error) == named


def test_coordinates_may_hold_any_value() -> None:
    inputs: list[Any] = [
        {"id": text, "properties": {}} for text in ("ref:x", "a b:c", "x")
    ]
    error = refused(context={COORDINATES: ["(0-2) ref:ref:x", "(0-2) ref:a b:c"]})
    assert suspects(chunk_of(UPSERT, inputs), error) == {0, 1}


def test_named_by_the_ids_in_a_sentence() -> None:
    told = ["TICKET=102 is not valid", "TICKET=7 is not valid"]
    error = refused(context={"INVALID_OBJECT_IDS": told})
    assert suspects(some_chunk(UPDATE, 4), error) == {2}


def test_named_by_an_end_in_a_sentence() -> None:
    pairs = [{"from": {"id": one}, "to": {"id": other}}
             for one, other in ((1, 7), (2, 8), (3, 7))]  # fmt: skip
    error = refused(context={"INVALID_OBJECT_IDS": ["COMPANY=7 is not valid"]})
    assert suspects(chunk_of(PAIRS, pairs), error) == {0, 2}


def missing_property(message: str, code: str = "MISSING_REQUIRED_PROPERTY") -> APIError:
    return refused(
        errors=[ErrorDetail(message, code, context={"propertyName": ["name"]})]
    )


def test_named_by_a_property_that_is_missing() -> None:
    chunk = creates({"name": "a"}, {"name": ""}, {"other": "a"})
    error = missing_property("A value for name must be provided")
    assert suspects(chunk, error) == {1, 2}


def test_named_by_a_property_that_others_make_required() -> None:
    chunk = creates(
        {"name": "a", "country": "US"}, {"country": "US"}, {"city": "x"}, {"zip": "1"}
    )
    message = "name is required because of a conditional property rule based on "
    code = "MISSING_CONDITIONAL_REQUIRED_PROPERTY"
    error = missing_property(f"{message}[country, zip]", code)
    assert suspects(chunk, error) == {1, 3}
    # Which country makes it required is not said, so all of them would say nothing.
    chunk = creates({"country": "US"}, {"country": "DE"})
    assert suspects(chunk, error) == set()


@given(st.integers(1, 300), st.integers(1, 40))
def test_a_sample_is_spread(count: int, size: int) -> None:
    positions = range(0, 3 * count, 3)
    chosen = sample(positions, size)

    assert chosen == sorted({*chosen})
    assert {*chosen} <= {*positions}
    assert 1 <= len(chosen) <= size
    if size <= count // 4:
        assert len(chosen) == size


@pytest.mark.parametrize("every", [2, 3, 4, 5, 7, 10])
def test_a_sample_fits_no_pattern(every: int) -> None:
    assert len({position % every for position in sample(range(100), 5)}) > 1


# ---- what is sent instead


def test_the_named_go_alone_and_the_others_together() -> None:
    parts = split(
        some_chunk(UPDATE, 5), refused(context={"ids": ["103", "101"]}), BadRecordRate()
    )
    assert indices(parts) == [[0, 2, 4], [1], [3]]


def test_all_named_go_alone() -> None:
    error = refused(context={"ids": ["100", "101", "102"]})
    assert indices(split(some_chunk(UPDATE, 3), error, BadRecordRate())) == [
        [0],
        [1],
        [2],
    ]


@pytest.mark.parametrize(
    ("count", "halves"), [(2, [[0], [1]]), (5, [[0, 1], [2, 3, 4]])]
)
def test_where_nobody_is_named_it_is_halved(
    count: int, halves: list[list[int]]
) -> None:
    chunk = some_chunk(UPDATE, count)
    assert indices(split(chunk, refused(), BadRecordRate())) == halves
    assert indices(halve(chunk)) == halves


def test_parts_keep_their_history() -> None:
    chunk = attempted(some_chunk(UPDATE, 2), 3).after(Step.LOSE)
    for step in (Step.LOOK_UP, Step.FIND_UNCLEAR, Step.LOOK_UP, Step.FIND_UNCLEAR):
        chunk = chunk.after(step)
    for part in split(chunk, refused(), BadRecordRate()):
        assert part.state is chunk.state
        assert (part.state.attempts, part.state.lookups) == (3, 2)
        assert part.state.certainty is Certainty.MAYBE_WRITTEN


# ---- when halving costs more than one call each


def test_most_are_bad_as_far_as_single_inputs_show() -> None:
    bad_rate = BadRecordRate()
    for _ in range(4):
        bad_rate.refused(1)
    bad_rate.accepted(15)
    assert not bad_rate.is_high(50)  # 19 are too few to judge by
    bad_rate.accepted(1)
    assert bad_rate.is_high(50)
    chunk = some_chunk(UPDATE, 4)
    assert indices(split(chunk, refused(), bad_rate)) == [[0], [1], [2], [3]]


def test_fifteen_of_a_hundred_are_not_most() -> None:
    bad_rate = BadRecordRate()
    for _ in range(15):
        bad_rate.refused(1)
    bad_rate.accepted(85)
    assert not bad_rate.is_high(100)
    for _ in range(3):
        bad_rate.refused(1)
    assert bad_rate.is_high(100)


def test_most_are_bad_if_part_after_part_is_refused() -> None:
    bad_rate = BadRecordRate()
    for _ in range(5):
        bad_rate.refused(12)
    assert not bad_rate.is_high(12)
    bad_rate.refused(13)
    assert bad_rate.is_high(12)  # as many as 13, about
    assert not bad_rate.is_high(50)  # of which nothing is known


def test_large_parts_that_are_refused_say_little() -> None:
    """One bad record in fifty is enough."""
    bad_rate = BadRecordRate()
    for _ in range(6):
        bad_rate.refused(50)
    assert not bad_rate.is_high(50)


def test_parts_that_are_answered_say_the_opposite() -> None:
    bad_rate = BadRecordRate()
    for _ in range(3):
        bad_rate.refused(12)
    for _ in range(9):
        bad_rate.accepted(12)
    assert not bad_rate.is_high(12)


def test_named_inputs_go_alone_however_dense_it_is() -> None:
    bad_rate = BadRecordRate()
    for _ in range(30):
        bad_rate.refused(1)
    error = refused(context={"ids": ["101"]})
    assert indices(split(some_chunk(UPDATE, 3), error, bad_rate)) == [[0, 2], [1]]


# ---- the whole of it: whoever is bad, and whatever is said


@define
class Isolation:
    """A run whose chunks are refused for some inputs, as told."""

    operation: Operation
    bad: set[int]
    say: Callable[[Chunk, Sequence[int]], APIError]
    calls: int = 0
    run: FakeRun = field(
        default=Factory(lambda self: FakeRun(self.operation), takes_self=True),
        init=False,
    )

    def of(self, inputs: Sequence[Any]) -> Mapping[int, str]:
        self.run.take_in([*inputs])
        while self.run.has_work:
            self._answer(self.run.take())
        self.run.check()
        return self.run.statuses

    @property
    def splits(self) -> list[int]:
        splits = [e.parts for e in self.run.effects if isinstance(e, NoteSplit)]
        assert sum(splits) == self.run.summary.isolating
        return splits

    def _answer(self, chunk: Chunk) -> None:
        self.calls += 1
        bad = [p for p, index in enumerate(chunk.indices) if index in self.bad]
        if bad:
            self.run.resolve(chunk, Refused(self.say(chunk, bad)))
            return
        results = [
            {"id": key or "1", "objectWriteTraceId": chunk.trace(p), "properties": {}}
            for p, key in enumerate(chunk.keys)
        ]
        self.run.answer(chunk, {"results": results})


COUNT = 40
POSITIONS = st.sets(st.integers(0, COUNT - 1))


def _value(index: int) -> str:
    return f"value-{index}"


def _complaints(named: Iterable[int], how: str) -> APIError:
    if how == "ids":
        return refused(context={"ids": [str(100 + index) for index in named]})
    problems = [
        {"name": "rank", "error": "INVALID_LONG", "message": f"{_value(n)} is no long."}
        for n in named
    ]
    if how == "values":
        return listing(*problems)
    details = [
        ErrorDetail(p["message"], p["error"], context={"propertyName": [p["name"]]})
        for p in problems[:3]
    ]
    return refused("Property values were not valid", errors=details)


@given(
    st.integers(1, COUNT),
    POSITIONS,
    POSITIONS,
    st.sampled_from(["all", "some", "wrong ones", "nothing"]),
    st.sampled_from(["ids", "values", "details"]),
)
def test_the_bad_and_only_they_fail(
    count: int, bad: set[int], others: set[int], whom: str, how: str
) -> None:
    """Whatever a refusal says: each splits, and 2n calls are enough."""

    def say(chunk: Chunk, positions: Sequence[int]) -> APIError:
        here = [chunk.indices[position] for position in positions]
        if whom == "some":
            here = here[: (len(here) + 1) // 2]
        elif whom == "wrong ones":
            here = sorted(others)
        return _complaints([] if whom == "nothing" else here, how)

    bad = {index for index in bad if index < count}
    inputs = [
        {"id": str(100 + n), "properties": {"rank": _value(n)}} for n in range(count)
    ]
    isolation = Isolation(UPDATE, bad, say)
    statuses = isolation.of(inputs)

    assert {index for index, status in statuses.items() if status == "failed"} == bad
    assert [*statuses.values()].count("succeeded") == count - len(bad)
    assert all(parts >= 2 for parts in isolation.splits)
    assert isolation.calls <= 2 * count


@given(st.integers(2, 100), st.data())
def test_what_is_named_well_is_found_at_once(count: int, data: st.DataObject) -> None:
    bad = data.draw(st.sets(st.integers(0, count - 1), min_size=1))

    def say(chunk: Chunk, positions: Sequence[int]) -> APIError:
        return _complaints([chunk.indices[p] for p in positions], "values")

    inputs = [{"properties": {"rank": _value(n)}} for n in range(count)]
    isolation = Isolation(CREATE, bad, say)
    statuses = isolation.of(inputs)

    assert {index for index, status in statuses.items() if status == "failed"} == bad
    assert isolation.calls == 1 + len(bad) + (len(bad) < count)


# ---- any words at all

WORDS = st.sampled_from(
    ["value-1", "100", "", "rank", "allowed options", "0", "value-10", "Existing ID: 7"]
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 200) | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner),
    max_leaves=6,
)
PROBLEMS = st.fixed_dictionaries(
    {}, optional={"name": JSON | st.just("rank"), "error": JSON, "message": JSON}
)
BODIES = st.fixed_dictionaries(
    {},
    optional={
        "message": WORDS
        | st.lists(PROBLEMS | JSON, max_size=3).map(
            lambda all_: (
                f"Property values were not valid: {orjson.dumps(all_).decode()}"
            )
        ),
        "context": st.dictionaries(st.sampled_from(["ids", "id"]), JSON) | JSON,
        "errors": st.lists(
            st.fixed_dictionaries(
                {},
                optional={
                    "message": JSON,
                    "code": JSON,
                    "context": st.fixed_dictionaries({"propertyName": JSON}) | JSON,
                },
            )
            | JSON,
            max_size=3,
        )
        | JSON,
        "category": JSON,
    },
)


@given(
    st.sampled_from([UPDATE, CREATE, UPSERT, LEGACY, READ]), st.integers(2, 6), BODIES
)
def test_no_refusal_is_too_odd_to_split(
    operation: Operation, count: int, body: object
) -> None:
    chunk = some_chunk(operation, count)
    verdict = classify(operation, chunk, respond(400, body))
    assert isinstance(verdict, Refused)
    parts = split(chunk, verdict.error, BadRecordRate())
    assert len(parts) >= 2
    assert sorted(index for part in parts for index in part.indices) == chunk.indices

"""Which input each result and each error is about: never by position, never twice."""

from collections.abc import Sequence
from typing import Any

import attrs
import pytest

from attrs import define, evolve
from hypothesis import given
from hypothesis import strategies as st

from hubbatch._outcomes.chunk_state import Step
from hubbatch._outcomes.matching import (
    MatchedAnswer,
    make_into,
    match_answer,
    match_without_results,
    shows,
)
from hubbatch._outcomes.queue import Chunk
from hubbatch._wire.endpoints import Operation, operation_for
from hubbatch.models import (
    BatchResponse,
    CreateInput,
    LegacyObject,
    SimplePublicObject,
    SimplePublicUpsertObject,
    StandardError,
    UpdateInput,
    UpsertInput,
)

from .helpers import (
    ARCHIVE,
    CREATE,
    LEGACY,
    READ,
    UPDATE,
    UPSERT,
    chunk_of,
    some_chunk,
    some_inputs,
)


UPDATE_BY_REF = operation_for(
    "objects", "update", "tickets", api_version="v3", id_property="ref"
)
READ_BY_EMAIL = operation_for(
    "objects", "read", "contacts", api_version="v3", id_property="email"
)
UPSERT_BY_EMAIL = operation_for(
    "objects", "upsert", "contacts", api_version="v3", id_property="email"
)


def record(
    id: str = "900",  # noqa: A002
    trace: str | None = None,
    **properties: str | None,
) -> SimplePublicObject:
    return SimplePublicObject(id, properties, object_write_trace_id=trace)


def error(**context: list[str]) -> StandardError:
    return StandardError(category="VALIDATION_ERROR", message="m", context=context)


def settled(
    operation: Operation,
    chunk: Chunk,
    results: Sequence[Any] = (),
    errors: Sequence[StandardError] = (),
    num_errors: int = 0,
) -> MatchedAnswer:
    part: BatchResponse[Any] = BatchResponse(
        results=[*results],
        errors=[*errors],
        num_errors=num_errors or len(errors),
    )
    matched = match_answer(operation, chunk, part)
    assert matched.part is part
    return matched


def ids(matched: MatchedAnswer) -> list[str | None]:
    return [result and result.id for result in matched.results]


# ---- the names of a result, in order: trace id, id, id property, alone, properties


@pytest.mark.parametrize("missing", [False, True])
def test_by_trace_id_before_id(*, missing: bool) -> None:
    """An id that another input has gives way to the trace id."""
    chunk = some_chunk(UPDATE, 3)
    results = [record("101", "0"), record("100", "1"), record("102", "2")]
    matched = settled(UPDATE, chunk, results[: 2 if missing else 3])

    assert ids(matched) == ["101", "100", None if missing else "102"]
    assert matched.open == ([2] if missing else [])


@pytest.mark.parametrize("operation", [CREATE, UPDATE, UPSERT])
def test_by_the_caller_s_trace_ids(operation: Operation) -> None:
    inputs: list[dict[str, Any]] = [
        {"properties": {}, "objectWriteTraceId": "b"},
        {"properties": {}, "objectWriteTraceId": "a"},
        {"properties": {}},
    ]
    if operation is not CREATE:
        inputs = [{**given, "id": f"1{n}"} for n, given in enumerate(inputs)]
    chunk = chunk_of(operation, inputs, first=7)
    results = [record("x", "a"), record("y", "9"), record("z", "b")]

    assert ids(settled(operation, chunk, results)) == ["z", "x", "y"]


@pytest.mark.parametrize("operation", [READ, UPDATE])
def test_by_id(operation: Operation) -> None:
    chunk = some_chunk(operation, 3)
    shuffled = [record("102"), record("100"), record("101")]

    assert ids(settled(operation, chunk, shuffled)) == ["100", "101", "102"]
    partial = settled(operation, chunk, shuffled[:2])
    assert (ids(partial), partial.open) == (["100", None, "102"], [1])


def test_by_id_in_any_case() -> None:
    chunk = chunk_of(READ, ["ABC", "def"])

    assert ids(settled(READ, chunk, [record("DEF"), record("abc")])) == ["abc", "DEF"]


def test_legacy_records_by_id() -> None:
    chunk = some_chunk(LEGACY, 3)
    results = [LegacyObject(None, None, n) for n in (102, 100, 101)]
    matched = settled(LEGACY, chunk, results)
    partial = settled(LEGACY, chunk, results[:2])

    assert [result.object_id for result in matched.results] == [100, 101, 102]
    assert [r and r.object_id for r in partial.results] == [100, None, 102]
    assert partial.open == [1]


def test_a_legacy_record_with_another_id_belongs_to_nobody() -> None:
    chunk = some_chunk(LEGACY, 2)
    strange = LegacyObject(None, None, 7)
    matched = settled(LEGACY, chunk, [strange])

    assert (matched.open, matched.strangers) == ([0, 1], [strange])
    assert matched.loose == []
    assert not matched.trustworthy


def test_by_the_value_of_the_id_property() -> None:
    chunk = some_chunk(UPSERT, 2)
    results = [record("1", ref="R101"), record("2", ref="r100")]

    assert ids(settled(UPSERT, chunk, results)) == ["2", "1"]


def test_each_input_by_its_own_id_property() -> None:
    inputs = [UpdateInput("a", {}, "sku"), UpdateInput("a", {}), UpdateInput("7", {})]
    by_ref = [UpdateInput("a", {}, "ref"), *inputs[::2]]
    chunk = chunk_of(UPDATE, by_ref)
    results = [record("7"), record("8", sku="A"), record("9", ref="a", sku=None)]

    assert ids(settled(UPDATE, chunk, results)) == ["9", "8", "7"]


@pytest.mark.parametrize("operation", [READ_BY_EMAIL, UPSERT_BY_EMAIL])
def test_by_secondary_e_mail(operation: Operation) -> None:
    emails = ["Old@x.io", "b@x.io"]
    inputs: list[Any] = emails
    if operation is UPSERT_BY_EMAIL:
        inputs = [UpsertInput(email, {}) for email in emails]
    chunk = chunk_of(operation, inputs)
    results = [
        record("2", email="B@x.io", hs_additional_emails=None),
        record("1", email="new@x.io", hs_additional_emails="older@x.io;old@X.io"),
    ]

    assert ids(settled(operation, chunk, results)) == ["1", "2"]


def test_one_contact_asked_for_by_two_addresses() -> None:
    """Its one result goes to one input; the other is asked for again."""
    chunk = chunk_of(READ_BY_EMAIL, ["a@x.io", "b@x.io"])
    contact = record("1", email="b@x.io", hs_additional_emails="a@x.io")
    once = settled(READ_BY_EMAIL, chunk, [contact])
    twice = settled(READ_BY_EMAIL, chunk, [contact, record("1", email="b@x.io")])

    assert (ids(once), once.open) == ([None, "1"], [0])
    assert (ids(twice), twice.open) == ([None, "1"], [0])
    assert len(twice.loose) == 1


@pytest.mark.parametrize("operation", [CREATE, UPSERT, READ_BY_EMAIL, UPDATE_BY_REF])
def test_alone(operation: Operation) -> None:
    """A result without a name is that of the only input; a create gets a new id."""
    matched = settled(operation, some_chunk(operation, 1), [record("900")])

    assert (ids(matched), matched.strange) == (["900"], False)


@pytest.mark.parametrize("operation", [READ, UPDATE])
def test_alone_with_another_id(operation: Operation) -> None:
    """A merged record answers with the survivor's id, and so does a stray answer.

    It is believed when two answers in a row say the same.
    """
    chunk = some_chunk(operation, 1).after(Step.LOSE).after(Step.ASK_ALONE)
    first = settled(operation, chunk, [record("900")])
    chunk = chunk.after(Step.ASK_ALONE, survivor=first.survivor)
    another = settled(operation, chunk, [record("901")])
    same = settled(operation, chunk, [record("900")])

    for unsure in (first, another):
        assert (ids(unsure), unsure.open, unsure.strange) == ([None], [0], True)
        assert unsure.trustworthy
    assert (ids(same), same.open) == (["900"], [])


@pytest.mark.parametrize("asked_again", [False, True])
@pytest.mark.parametrize(
    ("operation", "strange"),
    [
        (CREATE, record("900", trace="7")),
        (UPDATE, record("900", trace="7")),
        (UPDATE, record("100", trace="7")),
        (UPDATE_BY_REF, record("900", ref="another")),
        (UPSERT, record("900", ref="r101")),
        (UPSERT, record("900", ref="8")),
        (READ_BY_EMAIL, record("900", email="b@x.io", hs_additional_emails="c@x.io")),
    ],
)
def test_a_name_of_another_is_refused_even_alone(
    operation: Operation, strange: SimplePublicObject, *, asked_again: bool
) -> None:
    chunk = some_chunk(operation, 1)
    if asked_again:
        chunk = chunk.after(Step.LOSE).after(Step.ASK_ALONE)
    matched = settled(operation, chunk, [strange])

    assert (matched.results, matched.open) == ([None], [0])
    assert matched.strange
    assert not matched.trustworthy


def test_one_number_in_two_spellings_is_one_value() -> None:
    """HubSpot writes numbers its own way; with texts there is no such choice."""
    by_number = chunk_of(UPSERT, [UpsertInput("007", {})])
    by_text = chunk_of(UPSERT, [UpsertInput("abc", {})])

    assert ids(settled(UPSERT, by_number, [record("1", ref="7")])) == ["1"]
    assert ids(settled(UPSERT, by_text, [record("1", ref="abc1")])) == [None]


def test_written_properties_do_not_outweigh_another_name() -> None:
    """Two inputs of which HubSpot wrote one, and a stranger that looks right."""
    chunk = some_chunk(UPSERT, 2)
    mine = record("1", ref="r100", subject="s0")
    matched = settled(UPSERT, chunk, [mine, record("2", ref="zz", subject="s1")])
    traced = settled(
        CREATE, some_chunk(CREATE, 2), [record("2", "another", subject="s1")]
    )

    assert (ids(matched), matched.open) == (["1", None], [1])
    assert (traced.results, traced.open) == ([None, None], [0, 1])


@pytest.mark.parametrize("operation", [UPDATE_BY_REF, UPSERT])
def test_an_input_that_is_renamed_is_known_by_its_new_name(
    operation: Operation,
) -> None:
    """The answer shows the value that was written; an error names the former one."""
    inputs = [
        {"id": "old", "properties": {"ref": "new"}},
        {"id": "other", "properties": {}},
    ]
    chunk = chunk_of(operation, inputs)
    results = [record("2", ref="other"), record("1", ref="New")]
    alone = settled(operation, chunk.pick([0]), results[1:])
    former = settled(operation, chunk.pick([0]), [record("1", ref="old")])
    swapped = chunk_of(operation, [inputs[0], {"id": "new", "properties": {"a": "1"}}])
    told = settled(operation, swapped, [record("1", ref="new", a="1")])

    assert ids(settled(operation, chunk, results)) == ["1", "2"]
    assert ids(alone) == ["1"]
    assert (former.open, former.strange) == ([0], True)
    assert [*settled(operation, chunk, errors=[error(ids=["old"])]).failed] == [0]
    # Two that come to have one name are told apart by what they wrote, or not at all.
    assert told.open in ([0], [0, 1])


@pytest.mark.parametrize("operation", [UPDATE, UPSERT, CREATE])
def test_strangers_are_no_success_of_all(operation: Operation) -> None:
    """As many results as inputs, and each names a record that none of them is."""
    if operation is UPDATE:
        strangers = [record("8"), record("9")]
    elif operation is UPSERT:
        strangers = [record("8", ref="x"), record("9", ref="y")]
    else:
        strangers = [record("8", "x"), record("9", "y")]
    matched = settled(operation, some_chunk(operation, 2), strangers)

    assert (matched.results, matched.open) == ([None, None], [0, 1])
    assert matched.strange
    assert not matched.trustworthy


def test_a_repetition_leaves_no_success_of_all() -> None:
    results = [record("1", "0"), record("1", "0"), record("2"), record("3")]
    matched = settled(CREATE, some_chunk(CREATE, 3), results)

    assert (ids(matched), matched.open) == (["1", None, None], [1, 2])


def test_an_answer_to_another_batch_on_the_same_records() -> None:
    """The ids are right, the trace ids are not: nothing of it is ours."""
    ours, theirs = (evolve(UPDATE, trace_prefix=one) for one in ("AAAA", "BBBB"))
    chunk = evolve(chunk_of(ours, some_inputs(UPDATE, 2)), prefix="AAAA")
    other = evolve(chunk_of(theirs, some_inputs(UPDATE, 2)), prefix="BBBB")
    replayed = [record(str(100 + p), other.trace(p)) for p in range(2)]
    right = [record(str(100 + p), chunk.trace(p)) for p in range(2)]
    mixed = settled(ours, chunk, [record("100"), replayed[1]])

    assert settled(ours, chunk, replayed).open == [0, 1]
    assert settled(ours, chunk, right).open == []
    assert (ids(mixed), mixed.open) == (["100", None], [1])
    wrong = error(objectWriteTraceId=[other.trace(0)], ids=["100"])
    assert settled(ours, chunk, errors=[wrong]).failed == {}
    assert settled(ours, chunk.pick([0]), errors=[wrong]).failed == {}


def test_even_alone_there_is_one_result() -> None:
    matched = settled(UPDATE, some_chunk(UPDATE, 1), [record("8"), record("9")])

    assert (matched.results, matched.open) == ([None], [0])
    assert len(matched.strangers) == 2


def test_by_the_properties_that_were_written() -> None:
    chunk = chunk_of(
        CREATE,
        [CreateInput({"email": "A@x.io", "n": 1}), CreateInput({"email": "b@x.io"})],
    )
    results = [record("2", email="b@x.io"), record("1", email="a@x.io", n="1", m="2")]

    assert ids(settled(CREATE, chunk, results)) == ["1", "2"]


def test_properties_that_fit_two_inputs_fit_none() -> None:
    chunk = chunk_of(CREATE, [CreateInput({"a": "1"}), CreateInput({"a": "1"})])
    matched = settled(CREATE, chunk, [record("8", a="1"), record("9", a="1")])

    assert matched.results == [None, None]
    assert matched.open == []  # all were written; whose is whose is not known
    assert [result.id for result in matched.loose] == ["8", "9"]


def test_properties_that_two_results_show_are_nobody_s() -> None:
    chunk = chunk_of(CREATE, [CreateInput({"a": "1"}), CreateInput({"b": "1"})])
    matched = settled(
        CREATE, chunk, [record("8", a="1"), record("9", a="1"), record("7", b="1")]
    )

    assert ids(matched) == [None, "7"]
    assert matched.open == [0]


def test_nothing_written_fits_nothing() -> None:
    chunk = chunk_of(CREATE, [CreateInput({}), CreateInput({"a": "1"})])
    matched = settled(CREATE, chunk, [record("8", a="1")])

    assert (ids(matched), matched.open) == ([None, "8"], [0])


def test_a_read_is_not_matched_by_properties() -> None:
    matched = settled(READ, some_chunk(READ, 2), [record("8"), record("9")])

    assert (matched.results, matched.open) == ([None, None], [0, 1])
    assert not matched.trustworthy


# ---- what makes a success of those that cannot be told apart, and what does not

TWO = [CreateInput({"a": "1"}), CreateInput({"a": "1"})]
SAME = [record("8", a="1"), record("9", a="1")]


@pytest.mark.parametrize(
    ("results", "errors", "num_errors"),
    [
        (SAME[:1], [], 0),
        ([*SAME, record("7", a="1")], [], 0),
        (SAME, [error()], 0),
        (SAME, [], 1),
    ],
    ids=["too few", "too many", "an error of nobody", "an error that is only counted"],
)
def test_a_success_of_all_needs_as_many_results(
    results: list[Any], errors: list[StandardError], num_errors: int
) -> None:
    matched = settled(CREATE, chunk_of(CREATE, TWO), results, errors, num_errors)

    assert matched.open == [0, 1]
    assert matched.loose == results


def test_a_repeated_result_is_loose() -> None:
    """And is not taken for the result of the input that is missing."""
    chunk = some_chunk(UPDATE, 2)
    matched = settled(UPDATE, chunk, [record("100"), record("100")])

    assert (ids(matched), matched.open) == (["100", None], [1])
    assert len(matched.loose) == 1


def test_a_merged_record_among_others_stays_open() -> None:
    chunk = some_chunk(READ, 3)
    matched = settled(READ, chunk, [record("100"), record("900"), record("102")])

    assert (ids(matched), matched.open) == (["100", None, "102"], [1])
    assert [result.id for result in matched.strangers] == ["900"]


# ---- errors


@pytest.mark.parametrize(
    ("context", "failed"),
    [
        ({"objectWriteTraceId": ["1"]}, [1]),
        ({"objectWriteTraceId": ["2", "0"]}, [0, 2]),
        ({"ids": ["102", "101"]}, [1, 2]),
        ({"id": ["100"]}, [0]),
        ({"objectWriteTraceId": ["1"], "ids": ["100"]}, [1]),
        ({"objectWriteTraceId": ["unheard-of"], "ids": ["100"]}, []),
        ({"ids": ["100"], "id": ["101"]}, [0, 1]),
        ({"ids": ["7"]}, []),
        ({"name": ["100"]}, []),
        ({}, []),
    ],
)
def test_errors_name_inputs(context: dict[str, list[str]], failed: list[int]) -> None:
    chunk = some_chunk(UPDATE, 3)
    matched = settled(UPDATE, chunk, errors=[error(**context)])

    assert sorted(matched.failed) == failed
    assert matched.open == [p for p in range(3) if p not in failed]


@pytest.mark.parametrize("context", [None, "CONTACT=100 is not valid"])
def test_an_error_without_names_is_nobody_s(context: str | None) -> None:
    told = StandardError(category="VALIDATION_ERROR", context=context)
    matched = settled(READ, some_chunk(READ, 2), [record("100")], [told])

    assert (matched.failed, matched.open) == ({}, [1])


@pytest.mark.parametrize("context", [{}, {"ids": ["7"]}, {"name": ["x"]}])
def test_with_one_input_there_is_no_choice(context: dict[str, list[str]]) -> None:
    matched = settled(READ, some_chunk(READ, 1), errors=[error(**context)])

    assert [*matched.failed] == [0]
    assert matched.trustworthy


def test_that_another_record_does_not_exist_is_no_input_s_error() -> None:
    """With one input there is a choice after all: the answer may be to another."""
    absent = StandardError(category="OBJECT_NOT_FOUND", context={"ids": ["7"]})
    ours = StandardError(category="OBJECT_NOT_FOUND", context={"ids": ["0100"]})
    by_email = chunk_of(READ_BY_EMAIL, ["a@x.io"])

    assert settled(READ, some_chunk(READ, 1), errors=[absent]).open == [0]
    assert [*settled(READ, some_chunk(READ, 1), errors=[ours]).failed] == [0]
    assert [*settled(READ_BY_EMAIL, by_email, errors=[absent]).failed] == [0]


def test_errors_name_values_of_the_id_property() -> None:
    chunk = chunk_of(READ_BY_EMAIL, ["A@x.io", "b@x.io"])
    matched = settled(READ_BY_EMAIL, chunk, errors=[error(ids=["a@X.io"])])

    assert [*matched.failed] == [0]


def test_a_name_that_two_inputs_have_is_nobody_s() -> None:
    """One by its id, the other by the value of its id property."""
    inputs = [UpdateInput("5", {}), UpdateInput("5", {}, "ref"), UpdateInput("6", {})]
    chunk = chunk_of(UPDATE, inputs)
    matched = settled(UPDATE, chunk, [record("5"), record("6")], [error(ids=["5"])])

    assert ids(matched) == ["5", None, "6"]
    assert (matched.failed, matched.open) == ({}, [1])


def test_the_first_error_of_an_input_counts() -> None:
    first, second = error(ids=["100"]), error(id=["100"])
    matched = settled(READ, some_chunk(READ, 2), [record("101")], [first, second])

    assert [*matched.failed] == [0]
    assert matched.failed[0].context == {"ids": ["100"]}
    assert ids(matched) == [None, "101"]


@pytest.mark.parametrize("operation", [READ, UPDATE, CREATE])
def test_an_error_and_a_result_for_one_input_contradict_each_other(
    operation: Operation,
) -> None:
    """Neither is believed, and no other result is taken for it."""
    chunk = some_chunk(operation, 3)
    if operation is CREATE:
        both = record("900", trace="0")
        wrong = error(objectWriteTraceId=["0"])
    else:
        both, wrong = record("100"), error(ids=["100"])
    matched = settled(operation, chunk, [both, record("901")], [wrong])

    assert matched.failed == {}
    assert 0 in matched.open
    assert matched.results[0] is None
    assert both.id in [result.id for result in matched.loose]


def test_without_results_only_errors_count() -> None:
    part: BatchResponse[Any] = BatchResponse(errors=[error(ids=["101"])])
    matched = match_without_results(some_chunk(UPDATE, 3), part)

    assert [*matched.failed] == [1]
    assert (matched.open, matched.results) == ([], [None] * 3)


# ---- upserts whose first answer was lost


@pytest.mark.parametrize("doubtful", [True, False])
def test_who_created_a_record_is_forgotten_with_the_answer(*, doubtful: bool) -> None:
    chunk = some_chunk(UPSERT, 3)
    if doubtful:
        chunk = chunk.after(Step.LOSE)
    results = [
        SimplePublicUpsertObject("1", {"ref": "r100"}, new=False),
        SimplePublicUpsertObject("2", {"ref": "r101"}, new=True),
        SimplePublicUpsertObject("3", {}, new=False),
    ]
    matched = settled(UPSERT, chunk, results)
    [loose] = matched.loose

    assert matched.results[0].new is (None if doubtful else False)
    assert matched.results[1].new is True
    assert loose.new is (None if doubtful else False)


# ---- any answer at all


@define
class Case:
    operation: Operation
    chunk: Chunk


INPUTS = {
    "create": CREATE,
    "read": READ,
    "update": UPDATE,
    "upsert": UPSERT,
    "update by ref": UPDATE_BY_REF,
    "read by e-mail": READ_BY_EMAIL,
}


@st.composite
def cases(draw: st.DrawFn) -> Case:
    operation = INPUTS[draw(st.sampled_from(sorted(INPUTS)))]
    count = draw(st.integers(1, 5))
    first = draw(st.sampled_from([0, 7, 1000]))
    chunk = Chunk()
    for index in range(first, first + count):
        given: dict[str, Any] = {}
        if operation.call.verb != "create":
            given["id"] = f"{100 + index}"
        if operation.call.verb != "read":
            given["properties"] = draw(
                st.dictionaries(st.sampled_from("ab"), st.sampled_from("12"))
            )
            trace = draw(st.sampled_from([None, None, f"own-{index}"]))
            given["objectWriteTraceId"] = trace
        single = chunk_of(operation, [given], index)
        chunk.add(
            index,
            given,
            single.keys[0],
            single.bodies[0],
            single.traces.get(index),
        )
    if draw(st.booleans()):
        chunk = chunk.after(Step.LOSE)
    return Case(operation, chunk)


@st.composite
def answers(draw: st.DrawFn, case: Case) -> BatchResponse[Any]:
    """Answer fully, in part, twice, or against itself, in any order."""
    names = [str(100 + index) for index in case.chunk.indices]
    traces = [case.chunk.trace(position) for position in range(len(case.chunk))]
    strange = st.sampled_from(["7", "99999", "x"])
    results = draw(
        st.lists(
            st.builds(
                SimplePublicUpsertObject
                if case.operation.call.verb == "upsert"
                else SimplePublicObject,
                st.sampled_from(names) | strange,
                st.fixed_dictionaries(
                    {},
                    optional={
                        "ref": st.none() | st.sampled_from(names),
                        "email": st.none() | st.sampled_from(names),
                        "hs_additional_emails": st.none() | st.just(";".join(names)),
                        "a": st.sampled_from("12"),
                        "b": st.sampled_from("12"),
                    },
                ),
                object_write_trace_id=st.none() | st.sampled_from(traces) | strange,
            ),
            max_size=7,
        )
    )
    errors = draw(
        st.lists(
            st.builds(
                StandardError,
                category=st.sampled_from(["OBJECT_NOT_FOUND", "VALIDATION_ERROR"]),
                context=st.none()
                | strange
                | st.dictionaries(
                    st.sampled_from(["ids", "id", "objectWriteTraceId", "name"]),
                    st.lists(st.sampled_from([*names, *traces, "x"]), max_size=3),
                ),
            ),
            max_size=3,
        )
    )
    num_errors = draw(st.sampled_from([len(errors), 0, 2]))
    return BatchResponse(results=results, errors=errors, num_errors=num_errors)


@given(st.data())
def test_every_input_is_settled_once_and_every_result_is_kept(
    data: st.DataObject,
) -> None:
    case = data.draw(cases())
    part = data.draw(answers(case))
    count = len(case.chunk)
    matched = match_answer(case.operation, case.chunk, part)
    attributed = [result for result in matched.results if result is not None]
    succeeded = {p for p, r in enumerate(matched.results) if r is not None}

    # One of four: its result, failed, open, or settled without a result.
    assert len(matched.results) == count
    assert len(set(matched.open)) == len(matched.open)
    assert {*matched.open, *matched.failed} <= {*range(count)}
    assert succeeded.isdisjoint(matched.open)
    assert succeeded.isdisjoint(matched.failed)
    assert {*matched.open}.isdisjoint(matched.failed)
    # No result is lost, and none is given out twice.
    kept = [*attributed, *matched.loose, *matched.strangers]
    told = sorted(map(id, kept))
    assert told == sorted(id(result) for result in part.results)
    # Without a result only where nothing was refused, and as many are loose.
    bare = {*range(count)} - succeeded - {*matched.open} - {*matched.failed}
    if bare:
        assert not part.errors
        assert not part.num_errors
        assert len(bare) <= len(matched.loose)
        assert not matched.open


@given(st.data())
def test_shuffling_an_answer_changes_nothing(data: st.DataObject) -> None:
    case = data.draw(cases())
    keys = range(len(case.chunk))
    upsert = case.operation.call.verb == "upsert"
    kind = SimplePublicUpsertObject if upsert else SimplePublicObject
    by_email = case.operation is READ_BY_EMAIL
    results = [
        kind(
            str(100 + i),
            {"email": str(100 + i)} if by_email else {},
            object_write_trace_id=case.chunk.trace(p),
        )
        for p, i in zip(keys, case.chunk.indices, strict=True)
    ]
    part: BatchResponse[Any] = BatchResponse(
        results=data.draw(st.permutations(results))
    )
    matched = match_answer(case.operation, case.chunk, part)

    assert matched.results == results
    assert (matched.open, matched.failed, matched.loose) == ([], {}, [])


def test_a_record_that_is_listed_twice_stands_for_one_input() -> None:
    """Two rows of one record do not make up for the record that is missing."""
    chunk = chunk_of(CREATE, [CreateInput({"a": "same"}), CreateInput({"a": "same"})])
    twice = settled(CREATE, chunk, [record("900"), record("900")])
    both = settled(CREATE, chunk, [record("900"), record("901")])

    assert twice.open == [0, 1]
    assert both.open == []


@pytest.mark.parametrize(
    "part",
    [
        BatchResponse[Any](errors=[error()], num_errors=1),
        BatchResponse[Any](num_errors=2),
        BatchResponse[Any](status="CANCELED"),
    ],
    ids=["an error that names nobody", "errors that are not shown", "canceled"],
)
def test_an_archive_that_does_not_say_whom_it_failed(part: BatchResponse[Any]) -> None:
    chunk = some_chunk(ARCHIVE, 2)

    assert match_without_results(chunk, part).open == [0, 1]


def test_written_values_are_compared_as_they_are() -> None:
    body = b'{"properties":{"ref":"N0","value":"theirs","email":"A@b.c"}}'
    shown = record(ref="n0", value="theirs", email="a@b.c")

    assert shows(shown, body, unique="ref")
    assert not shows(shown, body)
    assert not shows(record(ref="n0", value="THEIRS"), body, unique="ref")


# ---- the user's own classes


@attrs.define
class Seats:
    seats: int
    id: str


def test_records_become_the_users_own() -> None:
    """One that cannot has failed; one that is nobody's and cannot is left out."""
    refused = record("3", seats="x")
    matched = settled(READ, chunk_of(READ, ["1", "2", "3", "4"]))
    matched.results = [record("1", seats="1"), None, refused, record("4", seats="4")]
    matched.open = [1]
    matched.loose = [record("8", seats="8"), record("9", seats="y")]
    make_into(Seats, matched)

    assert matched.results == [Seats(1, "1"), None, None, Seats(4, "4")]
    assert {*matched.failed} == {2}
    assert matched.failed[2].property_name == "seats"
    assert matched.loose == [Seats(8, "8")]
    assert matched.open == [1]

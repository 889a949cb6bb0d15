"""A result settles only the input that it names, whatever else an answer holds."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from attrs import define, evolve
from hypothesis import given
from hypothesis import strategies as st

from hubbatch._outcomes.classify import classify
from hubbatch._outcomes.ledger import Ledger
from hubbatch._outcomes.matching import MatchedAnswer
from hubbatch._outcomes.queue import Chunk
from hubbatch._outcomes.verdicts import Answered, Retryable
from hubbatch._wire.endpoints import Operation, operation_for
from hubbatch._wire.inputs import encoder

from .fake_run import FakeRun
from .helpers import CREATE, READ, UPDATE, UPSERT, respond


Raw = dict[str, Any]

PREFIX = "ABCDEFGH"
DEFAULT = operation_for(
    "associations", "create_default", "contacts", "companies", api_version="v3"
)
TYPED = operation_for(
    "associations", "create", "contacts", "companies", api_version="v3"
)
OLD = operation_for("v3_associations", "create", "contacts", "companies")
BY_REF = operation_for(
    "objects", "update", "tickets", api_version="v3", id_property="ref"
)
BY_EMAIL = operation_for(
    "objects", "read", "contacts", api_version="v3", id_property="email"
)
RECORDS = (CREATE, READ, UPDATE, UPSERT, BY_REF, BY_EMAIL)
PAIRS = (DEFAULT, TYPED, OLD)
TYPES = [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 279}]


def an_input(operation: Operation, n: int) -> Any:
    properties = {"subject": f"s{n}"}
    if operation in PAIRS:
        ends: Raw = {"from": {"id": str(n)}, "to": {"id": str(50 + n)}}
        if operation is TYPED:
            return {**ends, "types": TYPES}
        return {**ends, "type": "x"} if operation is OLD else ends
    if operation is CREATE:
        return {"properties": properties}
    if operation is READ:
        return str(n)
    if operation is BY_EMAIL:
        return f"e{n}@x.io"
    if operation is UPDATE:
        return {"id": str(n), "properties": properties}
    return {"id": f"r{n}", "properties": properties}


def a_pair(operation: Operation, one: int, other: int) -> Raw:
    if operation is TYPED:
        return {"fromObjectId": one, "toObjectId": other, "labels": []}
    return {"from": {"id": str(one)}, "to": {"id": str(other)}, "type": "x"}


def a_result(operation: Operation, n: int, trace: str | None) -> Raw:
    """Return what HubSpot answers for the input of a number."""
    if operation in PAIRS:
        return a_pair(operation, n, 50 + n)
    by_id = operation in (READ, UPDATE)
    shown: Raw = {"subject": f"s{n}"}
    if operation in (UPSERT, BY_REF):
        shown["ref"] = f"R{n}"
    if operation is BY_EMAIL:
        shown["email"] = f"E{n}@x.io"
    told = {} if trace is None else {"objectWriteTraceId": trace}
    return {"id": str(n if by_id else 900 + n), "properties": shown, **told}


@define
class Case:
    """An answer, and the numbers of the inputs that it holds results for."""

    operation: Operation
    chunk: Chunk
    body: Raw
    answered: set[int]
    nameless: int


def chunk_of(operation: Operation, numbers: range) -> Chunk:
    encode = encoder(evolve(operation, trace_prefix=PREFIX))
    chunk = Chunk(prefix=PREFIX)
    for n in numbers:
        key, body, trace = encode(n, an_input(operation, n))
        chunk.add(n, n, key, body, trace)
    return chunk


@st.composite
def cases(draw: st.DrawFn) -> Case:
    plain = draw(st.sampled_from([*RECORDS, *PAIRS]))
    numbers = range(1, 1 + draw(st.integers(1, 4)))
    chunk = chunk_of(plain, numbers)
    writes = plain in (CREATE, UPDATE, UPSERT, BY_REF)
    echoes = writes and draw(st.booleans())

    def true(n: int, prefix: str = PREFIX) -> Raw:
        return a_result(plain, n, f"{prefix}{n}" if echoes else None)

    answered = draw(st.sets(st.sampled_from(numbers)))
    twice = draw(st.sets(st.sampled_from(numbers))) & answered
    # The same inputs of another batch, and other inputs.
    strangers = [true(n) for n in draw(st.sets(st.integers(20, 23)))]
    if echoes:
        others = draw(st.sets(st.sampled_from(numbers)))
        strangers += [true(n, "HGFEDCBA") for n in others]
    results = [*map(true, answered), *map(true, twice), *strangers]
    if plain in PAIRS and draw(st.booleans()):
        results += [a_pair(plain, 50 + n, n) for n in answered]
    nameless = 0
    if writes and plain is not UPDATE:
        nameless = draw(st.integers(0, 3))
        results += [{"id": str(700 + n), "properties": {}} for n in range(nameless)]
    if plain is CREATE and not echoes:
        nameless += len(answered) + len(strangers)  # their ids say nothing
    refused = draw(st.sets(st.sampled_from(numbers))) - answered
    names: Callable[[int], Raw] = lambda n: (  # noqa: E731 -- short
        {"objectWriteTraceId": [f"{PREFIX}{n}"]} if writes else {"ids": [str(n)]}
    )
    errors = [
        {"category": "VALIDATION_ERROR", "message": "m", "context": names(n)}
        for n in refused
    ]
    body = {
        "status": "COMPLETE",
        "results": draw(st.permutations(results)),
        **({"errors": errors, "numErrors": len(errors)} if errors else {}),
    }
    return Case(plain, chunk, body, answered, nameless)


def matched_answer(case: Case) -> MatchedAnswer | None:
    verdict = classify(case.operation, case.chunk, respond(207, case.body))
    if isinstance(verdict, Retryable):
        assert verdict.maybe_processed
        return None
    assert isinstance(verdict, Answered)
    return verdict.matched


def numbers_of(operation: Operation, result: Any) -> set[int]:
    """Read off a result which inputs it is about, knowing how it was made."""
    if operation in PAIRS:
        ends = (
            (result.from_object_id, result.to_object_id)
            if operation is TYPED
            else (result.from_, result.to)
        )
        return {min(map(int, ends))}
    shown = result.properties.get("subject")
    return {int(shown[1:])} if shown else set()


@given(cases())
def test_an_input_succeeds_by_a_result_that_names_it_and_by_no_other(
    case: Case,
) -> None:
    matched = matched_answer(case)
    if matched is None:
        return
    used = []
    bare = 0
    for position, n in enumerate(case.chunk.indices):
        if position in matched.open or position in matched.failed:
            assert matched.results[position] is None
            continue
        result = matched.results[position]
        if result is None:
            bare += 1
            continue
        used.append(id(result))
        trace = getattr(result, "object_write_trace_id", None)
        assert trace in (None, f"{PREFIX}{n}")
        if len(case.chunk) == 1 and case.nameless:
            continue  # the only input, and a result without a name
        assert n in case.answered
        assert numbers_of(case.operation, result) == {n}
    assert len(set(used)) == len(used)
    if bare:
        # The rule for a whole chunk: none was refused, and as many nameless are left.
        assert not case.body.get("errors")
        assert not matched.open
        assert bare <= case.nameless
        assert len(used) + bare == len(case.chunk)


@given(cases())
def test_an_input_that_is_answered_once_succeeds(case: Case) -> None:
    """Strangers beside it, repetitions and the reverse pair take nothing from it."""
    if case.operation is CREATE and case.nameless:
        return  # their own ids say nothing, and what they show is not all there is
    matched = matched_answer(case)
    if not case.answered:
        return
    assert matched is not None
    for position, n in enumerate(case.chunk.indices):
        if n in case.answered:
            assert matched.results[position] is not None


# ---- pairs


@pytest.mark.parametrize("operation", PAIRS)
def test_two_directions_of_one_pair_never_share_a_request(
    operation: Operation,
) -> None:
    """HubSpot writes one, and answers with both: the other is not written by it."""
    run = FakeRun(operation)
    there = an_input(operation, 1)
    run.take_in([there, {**there, "from": there["to"], "to": there["from"]}])
    first = run.take()
    both = [a_pair(operation, 51, 1), a_pair(operation, 1, 51)]
    verdict = classify(operation, first, respond(201, {"results": both}))

    assert isinstance(verdict, Answered)
    assert (first.indices, run.queue.waiting(partial=True)) == ([0], 0)
    matched = verdict.matched
    assert (matched.open, matched.strange) == ([], False)
    assert len(matched.loose) == 1
    run.resolve(first, verdict)
    assert run.statuses == {0: "succeeded"}
    assert run.take().indices == [1]


@pytest.mark.parametrize("operation", PAIRS)
def test_a_pair_answered_in_reverse_only_is_the_input_s(operation: Operation) -> None:
    verdict = classify(
        operation,
        chunk_of(operation, range(1, 3)),
        respond(201, {"results": [a_pair(operation, 51, 1)]}),
    )

    assert isinstance(verdict, Answered)
    assert verdict.matched.open == [1]
    assert verdict.matched.results[0] is not None


@pytest.mark.parametrize("operation", PAIRS)
@pytest.mark.parametrize("count", [1, 2])
def test_other_pairs_are_no_answer(operation: Operation, count: int) -> None:
    results = [a_pair(operation, 7, 8), a_pair(operation, 1, 52)][:count]
    verdict = classify(
        operation,
        chunk_of(operation, range(1, 1 + count)),
        respond(201, {"results": results}),
    )

    assert isinstance(verdict, Retryable)
    assert verdict.maybe_processed


def test_the_trace_ids_of_a_batch_begin_with_its_prefix() -> None:
    """Encoded alone or in a block, and as the answer is read."""
    for plain in (CREATE, UPDATE, UPSERT):
        operation = evolve(plain, trace_prefix=PREFIX)
        inputs = [an_input(plain, n) for n in range(3)]
        alone = [encoder(operation)(n, given)[1] for n, given in enumerate(inputs)]
        chunk, invalid = Ledger(operation=operation).take_in(inputs)
        assert invalid == []
        sent: Mapping[int, str] = {n: f"{PREFIX}{n}" for n in range(3)}

        assert [*chunk.bodies] == alone
        assert all(f'"{sent[n]}"'.encode() in alone[n] for n in sent)
        assert {p: chunk.trace(p) for p in sent} == sent
        assert chunk.pick([2]).trace(0) == sent[2]
        assert chunk.shift(1).trace(0) == sent[0]
        assert chunk.trace(0) == sent[1]

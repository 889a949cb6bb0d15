"""Refusals that are about one record, about all, about their size: what they cost."""

import asyncio

from collections.abc import AsyncIterator, Callable, Iterable
from typing import Any

import orjson
import pytest

from hypothesis import example, given, settings
from hypothesis import strategies as st

from hubbatch import (
    HubBatch,
    HubBatchError,
    HubSpotUnavailable,
    InvalidRequestError,
    PermissionDeniedError,
    RecordInvalid,
    RecordNotFound,
    RetryPolicy,
    TooManyFailures,
)
from hubbatch._http import Answer, NoAnswer, Request, Response
from hubbatch._net.batch import Batch
from hubbatch._wire.endpoints import Verb, operation_for
from tests.net.crm import (
    SECRET,
    Crm,
    Heard,
    _heard,
    batch,
    operation,
    page,
    refusal,
    updates,
)
from tests.net.virtual import VirtualTimeLoop


UNREADABLE = refusal(
    400, "Invalid input JSON on line 1, column 12: Cannot deserialize value of type"
)


def meeting(
    count: int,
    answer: Callable[[Crm, Heard], Answer],
    verb: Verb = "update",
    *,
    max_inputs: int = 100,
    **options: Any,
) -> tuple[Crm, Batch[Any]]:
    """Return a batch of records 1, 2, ... whose requests `answer` answers."""
    crm = Crm()
    crm.fill(count)
    crm.always = lambda heard: answer(crm, heard)
    inputs: list[Any] = updates(count)
    if verb == "create":
        inputs = [{"properties": item["properties"]} for item in inputs]
    elif verb == "upsert":
        inputs = [{**item, "idProperty": "ref"} for item in inputs]
    elif verb in ("read", "archive"):
        inputs = [item["id"] for item in inputs]
    return crm, batch(crm, operation(verb, max_inputs=max_inputs), inputs, **options)


def numbers_in(heard: Heard) -> set[int]:
    """Return the records of a request; a create names its record by its value."""
    if heard.verb == "create":
        return {int(item["properties"]["value"][1:]) for item in heard.inputs}
    return {int(item["id"]) for item in heard.inputs}


def poisoned(bad: Iterable[int], fate: Answer) -> Callable[[Crm, Heard], Answer]:
    """Answer requests that carry a bad record with `fate`, the others normally."""
    poison = {*bad}

    def answer(crm: Crm, heard: Heard) -> Answer:
        return fate if numbers_in(heard) & poison else crm.work(heard)

    return answer


async def outcomes(made: Batch[Any]) -> dict[int, str]:
    """Run a batch, which may end early; return the statuses of records 1, 2, ..."""
    try:
        response = await made
    except HubBatchError as error:
        response = error.response
    assert made.summary.inputs == made.summary.settled == len(response.outcomes)
    return {outcome.index + 1: outcome.status.value for outcome in response.outcomes}


def numbers(statuses: dict[int, str], status: str) -> set[int]:
    return {number for number, found in statuses.items() if found == status}


# ---- Invalid input JSON

VERBS: list[Verb] = ["create", "update", "upsert", "read", "archive"]


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("workers", [1, 8])
async def test_an_unreadable_value_fails_only_its_record(
    verb: Verb, workers: int
) -> None:
    bad = {1, 250, 251}
    crm, made = meeting(400, poisoned(bad, UNREADABLE), verb, workers=workers)
    response = await made
    assert {outcome.index + 1 for outcome in response.failed} == bad
    assert response.succeeded == 397
    assert all(type(outcome.error) is RecordInvalid for outcome in response.failed)
    # Four chunks, three single inputs for each refused one, and halving.
    assert len(crm.heard) <= 4 + 2 * (3 + 1) + 2 * 3 * 7
    if verb == "create":
        assert len(crm.writes) == 397


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize(("workers", "calls"), [(1, 4), (8, 19)])
async def test_an_unreadable_call_ends_the_batch_after_a_few_requests(
    verb: Verb, workers: int, calls: int
) -> None:
    crm, made = meeting(5_000, lambda _crm, _heard: UNREADABLE, verb, workers=workers)
    with pytest.raises(InvalidRequestError, match="Invalid input JSON") as caught:
        await made
    assert caught.value.response.not_sent == caught.value.response.failures
    assert made.summary.not_sent == 5_000
    assert len(crm.heard) <= calls


async def test_a_single_unreadable_input_ends_the_batch_at_once() -> None:
    crm, made = meeting(1, lambda _crm, _heard: UNREADABLE)
    with pytest.raises(InvalidRequestError):
        await made
    assert len(crm.heard) == 1


REPEATED: dict[Verb, list[Any]] = {
    "read": ["1", "1", "2"],  # they share a request
    "archive": ["1", "1", "2"],
    "update": [*updates(2), *updates(2)],  # the later ones wait for the earlier ones
}


@pytest.mark.parametrize(("verb", "inputs"), REPEATED.items())
@pytest.mark.parametrize("open_ended", [False, True])
async def test_unreadable_inputs_with_one_key_end_the_batch(
    verb: Verb, inputs: list[Any], *, open_ended: bool
) -> None:
    """Nothing is retried for ever, even while the source may have more inputs."""

    async def trickle() -> AsyncIterator[Any]:
        for item in inputs:
            yield item
        await asyncio.Event().wait()

    crm = Crm(always=UNREADABLE)
    source = trickle() if open_ended else inputs
    made = batch(crm, operation(verb), source)
    with pytest.raises(InvalidRequestError) as caught:
        await made
    assert len(caught.value.response.not_sent) == len(inputs)
    assert len(crm.heard) <= 3


@pytest.mark.parametrize("fate", ["fine", "502 after", "dropped after"])
async def test_an_unreadable_input_waits_for_the_answer_of_another(
    fate: str,
) -> None:
    """It is retried once the other one shows that the call itself is right."""

    class Slow(Crm):
        async def send(self, request: Request, on_sent: Callable[[], None]) -> Answer:
            if len(orjson.loads(request.body)["inputs"]) == 1:
                self.heard.append(_heard(request))
                on_sent()
                await asyncio.sleep(0.01)
                return UNREADABLE
            await asyncio.sleep(60)
            return await super().send(request, on_sent)

    crm = Slow(always=fate)
    crm.fill(101)
    made = batch(crm, operation("update"), updates(101))
    statuses = await outcomes(made)
    alone = [heard for heard in crm.heard if len(heard.inputs) == 1]
    if fate == "fine":
        assert (statuses[101], len(alone)) == ("failed", 2)
        assert numbers(statuses, "succeeded") == {*range(1, 101)}
    else:
        assert (statuses[101], len(alone)) == ("not_sent", 1)
        assert numbers(statuses, "unknown") == {*range(1, 101)}


async def test_unreadable_single_calls_raise() -> None:
    crm = Crm(always=UNREADABLE)
    async with HubBatch(SECRET) as hub:
        hub._state.transport = crm
        calls = [hub.single.tickets.update("1", {"value": str(n)}) for n in range(3)]
        errors = await asyncio.gather(*calls, return_exceptions=True)
    assert {type(error) for error in errors} == {InvalidRequestError}
    assert len(crm.heard) <= 3


@pytest.mark.parametrize("max_inputs", [1, 2])
async def test_a_small_unreadable_chunk_waits_for_another(
    max_inputs: int,
) -> None:
    crm, made = meeting(6, poisoned({1}, UNREADABLE), max_inputs=max_inputs, workers=1)
    assert numbers(await outcomes(made), "failed") == {1}
    assert len(crm.heard) <= 6 + 3


async def test_an_unreadable_chunk_is_not_split_without_isolation() -> None:
    crm, made = meeting(200, lambda _crm, _heard: UNREADABLE, isolate=False, workers=1)
    with pytest.raises(InvalidRequestError):
        await made
    assert len(crm.heard) == 1

    _, made = meeting(200, poisoned({150}, UNREADABLE), isolate=False, workers=1)
    assert numbers(await outcomes(made), "failed") == {*range(101, 201)}


@settings(max_examples=60)
@given(st.integers(1, 60), st.sets(st.integers(1, 60), max_size=12), st.integers(1, 20))
@example(4, {2, 3, 4}, 2)
def test_unreadable_inputs_are_neither_lost_nor_blamed_on_others(
    count: int, bad: set[int], max_inputs: int
) -> None:
    """Either the batch ends and all are accounted for, or only the bad ones fail."""
    loop = VirtualTimeLoop()
    try:
        crm, made = meeting(
            count, poisoned(bad, UNREADABLE), max_inputs=max_inputs, workers=2
        )
        statuses = loop.run_until_complete(outcomes(made))
    finally:
        loop.close()
    assert numbers(statuses, "failed") <= bad
    if numbers(statuses, "not_sent"):
        assert len(crm.heard) <= 2 + 2 * 3 + 3  # ended: every request was refused,
        # or was the other worker's, on its way as the batch ended.
        assert len(crm.writes) == len(numbers(statuses, "succeeded")) <= max_inputs
    else:
        assert numbers(statuses, "succeeded") == {*range(1, count + 1)} - bad
        # An input that is sent alone before any success is sent once more.
        assert len(crm.heard) <= 2 * count + 3


# ---- a record on which HubSpot fails

FAILURES: dict[str, Answer] = {
    "500": refusal(500, "internal error"),
    "502 page": page(502),
    "timeout": NoAnswer(sent=True, reason="no answer within 120 s"),
    "cut short": Response(200, {}, b'{"results":['),
}
FEW = RetryPolicy(attempts=3)


@pytest.mark.parametrize("name", FAILURES)
@pytest.mark.parametrize(
    ("verb", "status"),
    [("read", "failed"), ("update", "unknown"), ("upsert", "unknown"),
     ("archive", "unknown")],
)  # fmt: skip
async def test_a_record_on_which_hubspot_fails_does_not_affect_others(
    name: str, verb: Verb, status: str
) -> None:
    crm, made = meeting(400, poisoned({150, 333}, FAILURES[name]), verb, policy=FEW)
    response = await made
    statuses = {
        outcome.index + 1: outcome.status.value for outcome in response.failures
    }
    assert statuses == {150: status, 333: status}
    # Four chunks, two more attempts for two of them, and halves of halves.
    assert len(crm.heard) <= 4 + 2 * 2 + 2 * 14
    assert made.summary.retries == 4


async def test_parts_of_a_failed_chunk_are_sent_once_each() -> None:
    crm, made = meeting(
        300, poisoned({7}, FAILURES["500"]), policy=RetryPolicy(attempts=5)
    )
    response = await made
    [left] = response.failures
    carrying = [heard for heard in crm.heard if 7 in numbers_in(heard)]
    sizes = [len(heard.inputs) for heard in carrying]
    assert sizes[:5] == [100] * 5
    assert sizes[5:] == sorted({*sizes[5:]}, reverse=True)
    assert sizes[-1] == 1
    assert left.attempts == len(sizes)


async def test_a_part_that_did_not_arrive_is_retried() -> None:
    """A lock or a lost connection is not about the record."""
    locked: list[Answer] = [
        refusal(423, "Locked"),
        NoAnswer(sent=False, reason="refused"),
    ]

    def answer(crm: Crm, heard: Heard) -> Answer:
        if 7 not in numbers_in(heard):
            return crm.work(heard)
        if len(heard.inputs) == 50 and locked:
            return locked.pop()
        return FAILURES["500"]

    _, made = meeting(300, answer, policy=FEW)
    assert numbers(await outcomes(made), "unknown") == {7}
    assert not locked


async def test_failed_creates_are_not_split() -> None:
    crm, made = meeting(300, poisoned({150}, FAILURES["500"]), "create")
    assert numbers(await outcomes(made), "unknown") == {*range(101, 201)}
    assert len(crm.heard) == 3


async def test_a_failed_chunk_is_not_split_without_isolation() -> None:
    crm, made = meeting(
        300, poisoned({150}, FAILURES["500"]), policy=FEW, isolate=False
    )
    assert numbers(await outcomes(made), "unknown") == {*range(101, 201)}
    assert len(crm.heard) == 5


async def test_failing_records_among_others_are_not_an_outage() -> None:
    """However many fail: HubSpot answers, so it is available."""
    bad = {*range(1, 200, 9)}

    crm, made = meeting(200, poisoned(bad, FAILURES["500"]), max_inputs=1, policy=FEW)
    assert numbers(await outcomes(made), "unknown") == bad
    assert len(crm.heard) == 200 + 2 * len(bad)


@pytest.mark.parametrize("workers", [1, 8])
async def test_chunks_are_not_split_while_hubspot_is_down(workers: int) -> None:
    crm, made = meeting(
        2_000, lambda _crm, _heard: FAILURES["500"], policy=FEW, workers=workers
    )
    with pytest.raises(HubSpotUnavailable):
        await made
    assert {len(heard.inputs) for heard in crm.heard} == {100}


async def test_the_only_chunk_is_not_split() -> None:
    """It does not show whether HubSpot is down or a record is bad."""
    crm, made = meeting(100, poisoned({50}, FAILURES["500"]), policy=FEW)
    statuses = await outcomes(made)
    assert numbers(statuses, "unknown") == {*range(1, 101)}
    assert len(crm.heard) == 3


async def test_an_outage_during_splitting_does_not_send_every_record() -> None:
    """Chunks in flight may be split, but not further and further."""
    working = True

    def answer(crm: Crm, heard: Heard) -> Answer:
        nonlocal working
        if working and len(crm.heard) > 8:
            working = False
        return crm.work(heard) if working else FAILURES["500"]

    crm, made = meeting(5_000, answer, policy=FEW, workers=8)
    with pytest.raises(HubSpotUnavailable):
        await made
    down = len(crm.heard) - 8
    assert down <= 16 * 3 + 20 + 8


@settings(max_examples=60)
@given(
    st.integers(2, 40),
    st.sets(st.integers(1, 40), max_size=8),
    st.sampled_from(["update", "read"]),
)
def test_a_failing_chunk_costs_at_most_2n_calls_and_no_other_record(
    count: int, bad: set[int], verb: Verb
) -> None:
    """One chunk has bad records; HubSpot answers another one meanwhile."""
    bad = {number for number in bad if number <= count}

    def answer(crm: Crm, heard: Heard) -> Answer:
        return FAILURES["500"] if numbers_in(heard) & bad else crm.work(heard)

    loop = VirtualTimeLoop()
    try:
        crm, made = meeting(2 * count, answer, verb, max_inputs=count, policy=FEW)
        statuses = loop.run_until_complete(outcomes(made))
    finally:
        loop.close()
    assert {number for number, found in statuses.items() if found != "succeeded"} == bad
    carrying = [heard for heard in crm.heard if min(numbers_in(heard)) <= count]
    assert len(carrying) <= FEW.attempts + 2 * count


# ---- too large


def limited(limit: int, seen: list[int]) -> Callable[[Crm, Heard], Answer]:
    """Refuse requests of more bytes, as a proxy does, and record their sizes."""

    def answer(crm: Crm, heard: Heard) -> Answer:
        size = len(heard.request.body)
        if size <= limit:
            return crm.work(heard)
        seen.append(size)
        return Response(413, {}, b"<title>413 Request Entity Too Large</title>")

    return answer


@pytest.mark.parametrize("count", [1_000, 10_000])
@pytest.mark.parametrize("limit", [5_000, 2_000, 900])
async def test_a_refused_size_is_remembered(count: int, limit: int) -> None:
    refused: list[int] = []
    crm, made = meeting(count, limited(limit, refused), workers=1)
    response = await made
    assert response.succeeded == count
    assert len(refused) <= 4
    assert refused == sorted(refused, reverse=True)
    sent = [len(heard.request.body) for heard in crm.heard]
    assert max(sent[-10:]) <= limit
    # Chunks have at most half of the refused size.
    assert len(crm.heard) <= len(refused) + 2 + count / (limit / 2 // 90)


@pytest.mark.parametrize("count", [2_000, 20_000])
async def test_only_requests_in_flight_exceed_a_refused_size(count: int) -> None:
    refused: list[int] = []
    _, made = meeting(count, limited(3_000, refused), workers=8)
    assert (await made).succeeded == count
    assert len(refused) <= 2 * 8


async def test_a_record_that_is_too_large_reports_its_size() -> None:
    refused: list[int] = []
    crm, made = meeting(300, limited(10_000, refused), workers=1)
    made._source[149]["properties"]["value"] = "x" * 20_000  # type: ignore[index] # a list
    response = await made
    [failure] = response.failures
    assert response.succeeded == 299
    assert failure.index == 149
    assert type(failure.error) is RecordInvalid
    trace_id = 8 * "x" + "149"
    size = len(orjson.dumps({**made._source[149], "objectWriteTraceId": trace_id}))  # type: ignore[index] # a list
    assert f"the record has {size:,} bytes of JSON" in failure.error.message
    assert f"its request of {refused[-1]:,} bytes was refused" in failure.error.message
    assert "413 Request Entity Too Large" in failure.error.message
    # It is found by halving; the others are sent in chunks of the usual size.
    assert len(crm.heard) <= 3 + 2 * 8
    assert len(crm.heard[-1].inputs) == 100


async def test_a_refused_number_of_inputs_is_remembered() -> None:
    def answer(crm: Crm, heard: Heard) -> Answer:
        if len(heard.inputs) <= 50:
            return crm.work(heard)
        message = (
            "The maximum number of inputs supported in a batch is 50. Please reduce"
        )
        return refusal(400, message, "VALIDATION_ERROR")

    crm, made = meeting(2_000, answer, workers=1)
    assert (await made).succeeded == 2_000
    assert len(crm.heard) == 41


# ---- the same for every record

UNKNOWN = orjson.dumps(
    [{"message": 'Property "value" does not exist', "error": "PROPERTY_DOESNT_EXIST",
      "name": "value"}]
).decode()  # fmt: skip
ALL_ALIKE = {
    "named": f"Property values were not valid: {UNKNOWN}",
    "not named": "Something is wrong",
}


@pytest.mark.parametrize("message", ALL_ALIKE.values(), ids=ALL_ALIKE)
@pytest.mark.parametrize("workers", [1, 8, 32])
@pytest.mark.parametrize("verb", ["create", "update", "upsert"])
async def test_a_mistake_in_all_records_ends_the_batch_early(
    verb: Verb, workers: int, message: str
) -> None:
    always = refusal(400, message, "VALIDATION_ERROR")
    crm, made = meeting(
        20_000, lambda _crm, _heard: always, verb, workers=workers, max_failures="auto"
    )
    with pytest.raises(TooManyFailures, match="for the same reason: ") as caught:
        await made
    assert len(crm.heard) <= 150
    assert made.summary.failed <= 1_000
    assert made.summary.failed + made.summary.not_sent == 20_000
    # Each that failed was refused alone.
    alone = {number for heard in crm.heard if len(heard.inputs) == 1
             for number in numbers_in(heard)}  # fmt: skip
    failed = {outcome.index + 1 for outcome in caught.value.response.failed}
    assert failed <= alone
    assert "Nothing further was sent" in str(caught.value)


@pytest.mark.parametrize("fine", [1, 24, 500, 1_000])
async def test_one_unnamed_record_is_enough_to_continue(fine: int) -> None:
    """HubSpot refuses its chunk without naming it, and accepts it alone."""

    def answer(crm: Crm, heard: Heard) -> Answer:
        if numbers_in(heard) == {fine}:
            return crm.work(heard)
        return refusal(400, ALL_ALIKE["named"], "VALIDATION_ERROR")

    _, made = meeting(1_100, answer, workers=1, max_failures="auto")
    made._source[fine - 1]["properties"] = {"other": "x"}  # type: ignore[index] # a list
    statuses = await outcomes(made)
    assert numbers(statuses, "succeeded") == {fine}
    assert numbers(statuses, "failed") == {*range(1, 1_101)} - {fine}


async def test_one_success_of_a_record_sent_alone_is_enough_to_continue() -> None:
    def answer(crm: Crm, heard: Heard) -> Answer:
        if numbers_in(heard) == {1}:
            return crm.work(heard)
        return refusal(400, "Something is wrong", "VALIDATION_ERROR")

    _, made = meeting(1_100, answer, workers=1, max_failures="auto")
    assert numbers(await outcomes(made), "failed") == {*range(2, 1_101)}


async def test_a_different_reason_of_a_record_sent_alone_is_enough_to_continue() -> (
    None
):
    def answer(_: Crm, heard: Heard) -> Answer:
        category = "OTHER" if numbers_in(heard) == {1} else "VALIDATION_ERROR"
        return refusal(400, "Something is wrong", category)

    _, made = meeting(1_100, answer, workers=1, max_failures="auto")
    assert len((await made).failed) == 1_100


@pytest.mark.parametrize("every", [2, 3, 5, 10])
@pytest.mark.parametrize("first", [0, 1])
async def test_regularly_spaced_bad_records_are_not_taken_for_all(
    every: int, first: int
) -> None:
    bad = {*range(1 + first, 1_500, every)}
    refused = refusal(400, "Something is wrong", "VALIDATION_ERROR")
    _, made = meeting(1_500, poisoned(bad, refused), max_failures="auto")
    statuses = await outcomes(made)
    assert numbers(statuses, "failed") == bad
    assert numbers(statuses, "succeeded") == {*range(1, 1_501)} - bad


@pytest.mark.parametrize(
    ("status", "message", "category"),
    [
        (409, "Contact already exists. Existing ID: 7", "CONFLICT"),
        (404, "gone", "OBJECT_NOT_FOUND"),
    ],
)
async def test_conflicts_and_missing_records_do_not_end_the_batch_early(
    status: int, message: str, category: str
) -> None:
    always = refusal(status, message, category)
    _, made = meeting(
        1_500, lambda _crm, _heard: always, max_failures="auto", max_inputs=50
    )
    response = await made
    assert len(response.failed) == 1_500


@settings(max_examples=60)
@given(
    st.integers(1, 120),
    st.sets(st.integers(1, 120)),
    st.integers(1, 60),
    st.booleans(),
)
def test_sampling_loses_no_record_and_costs_at_most_2n_calls(
    count: int,
    bad: set[int],
    max_inputs: int,
    names: bool,  # noqa: FBT001 -- a strategy's
) -> None:
    """Whichever records are bad: each one that fails was refused alone."""
    bad = {number for number in bad if number <= count}

    def answer(crm: Crm, heard: Heard) -> Answer:
        here = numbers_in(heard) & bad
        if not here:
            return crm.work(heard)
        context = {"ids": [str(number) for number in here]} if names else {}
        return refusal(400, "no", "VALIDATION_ERROR", context=context)

    loop = VirtualTimeLoop()
    try:
        crm, made = meeting(
            count, answer, max_inputs=max_inputs, workers=3, max_failures="auto"
        )
        statuses = loop.run_until_complete(outcomes(made))
    finally:
        loop.close()
    assert numbers(statuses, "failed") == bad
    assert numbers(statuses, "succeeded") == {*range(1, count + 1)} - bad
    assert len(crm.heard) <= 2 * count


# ---- since 2026-09


async def test_a_missing_permission_ends_the_batch_at_once() -> None:
    refused = refusal(
        400, "Missing 'Edit Associations' permission.", "VALIDATION_ERROR"
    )
    crm = Crm(always=refused)
    pairs = [{"from": {"id": str(n)}, "to": {"id": str(n)}} for n in range(1, 101)]
    call = operation_for(
        "associations", "create_default", "contacts", "companies", api_version="2026-09"
    )
    made = batch(crm, call, pairs)
    with pytest.raises(PermissionDeniedError, match="Edit Associations"):
        await made
    assert len(crm.heard) == 1
    assert made.summary.not_sent == 100


async def test_missing_unique_values_are_named_by_their_position() -> None:
    missing = {3, 77}

    def answer(crm: Crm, heard: Heard) -> Answer:
        gone = [item["id"] for item in heard.inputs
                if int(item["id"][1:]) in missing]  # fmt: skip
        if not gone:
            return crm.work(heard)
        names = [f"0-5 ref:{value}" for value in gone]
        context = {"missingObjectPropertyValueCoordinates": names}
        return refusal(400, "Some are missing", "VALIDATION_ERROR", context=context)

    crm = Crm()
    crm.fill(100)
    crm.always = lambda heard: answer(crm, heard)
    inputs = [{"id": f"r{n}", "properties": {"value": "x"}} for n in range(1, 101)]
    response = await batch(crm, operation("update", id_property="ref"), inputs)
    assert {outcome.index + 1 for outcome in response.failed} == missing
    assert all(type(outcome.error) is RecordNotFound for outcome in response.failed)
    assert len(crm.heard) == 4

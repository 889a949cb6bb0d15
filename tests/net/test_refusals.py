"""Refusals that are about one record, about all, about their size: what they cost."""

import asyncio

from collections.abc import AsyncIterator, Callable, Iterable
from typing import Any

import orjson
import pytest

from hypothesis import given, settings
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
from hubbatch.core.answers import Answer, NoAnswer, Request, Response
from hubbatch.core.operations import Verb, look_up
from hubbatch.net.batch import Batch
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
    """Make a batch of records 1, 2, ..., every request of which `answer` answers."""
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
    """Say which records a request is about; a create names its record by its value."""
    if heard.verb == "create":
        return {int(item["properties"]["value"][1:]) for item in heard.inputs}
    return {int(item["id"]) for item in heard.inputs}


def poisoned(bad: Iterable[int], fate: Answer) -> Callable[[Crm, Heard], Answer]:
    """Answer every request that carries a bad record with `fate`, the others well."""
    poison = {*bad}

    def answer(crm: Crm, heard: Heard) -> Answer:
        return fate if numbers_in(heard) & poison else crm.work(heard)

    return answer


async def outcomes(made: Batch[Any]) -> dict[int, str]:
    """Run a batch, which may end early, and list what became of records 1, 2, ..."""
    try:
        response = await made
    except HubBatchError as error:
        response = error.response
    assert made.summary.inputs == made.summary.settled == len(response.outcomes)
    return {one.index + 1: one.status.value for one in response.outcomes}


def numbers(told: dict[int, str], status: str) -> set[int]:
    return {number for number, one in told.items() if one == status}


# ---- Invalid input JSON

VERBS: list[Verb] = ["create", "update", "upsert", "read", "archive"]


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("workers", [1, 8])
async def test_value_that_hubspot_cannot_read_fails_its_record_alone(
    verb: Verb, workers: int
) -> None:
    bad = {1, 250, 251}
    crm, made = meeting(400, poisoned(bad, UNREADABLE), verb, workers=workers)
    response = await made
    assert {one.index + 1 for one in response.failed} == bad
    assert response.succeeded == 397
    assert all(type(one.error) is RecordInvalid for one in response.failed)
    # Four chunks, three soundings for each that was refused, and halving.
    assert len(crm.heard) <= 4 + 2 * (3 + 1) + 2 * 3 * 7
    if verb == "create":
        assert len(crm.writes) == 397


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize(("workers", "calls"), [(1, 4), (8, 19)])
async def test_call_that_hubspot_cannot_read_ends_the_batch_after_few(
    verb: Verb, workers: int, calls: int
) -> None:
    crm, made = meeting(5_000, lambda _crm, _heard: UNREADABLE, verb, workers=workers)
    with pytest.raises(InvalidRequestError, match="Invalid input JSON") as caught:
        await made
    assert caught.value.response.not_sent == caught.value.response.failures
    assert made.summary.not_sent == 5_000
    assert len(crm.heard) <= calls


async def test_only_input_that_hubspot_cannot_read_ends_the_batch_at_once() -> None:
    crm, made = meeting(1, lambda _crm, _heard: UNREADABLE)
    with pytest.raises(InvalidRequestError):
        await made
    assert len(crm.heard) == 1


REPEATED: dict[Verb, list[Any]] = {
    "read": ["1", "1", "2"],  # they share a request
    "archive": ["1", "1", "2"],
    "update": [*updates(2), *updates(2)],  # the later waits for the earlier
}


@pytest.mark.parametrize(("verb", "inputs"), REPEATED.items())
@pytest.mark.parametrize("open_ended", [False, True])
async def test_repeated_keys_that_hubspot_cannot_read_end_the_batch(
    verb: Verb, inputs: list[Any], *, open_ended: bool
) -> None:
    """Nothing goes again and again, also while a source may have more to come."""

    async def trickle() -> AsyncIterator[Any]:
        for one in inputs:
            yield one
        await asyncio.Event().wait()

    crm = Crm(always=UNREADABLE)
    source = trickle() if open_ended else inputs
    made = batch(crm, operation(verb), source)
    with pytest.raises(InvalidRequestError) as caught:
        await made
    assert len(caught.value.response.not_sent) == len(inputs)
    assert len(crm.heard) <= 3


@pytest.mark.parametrize("fate", ["fine", "502 after", "dropped after"])
async def test_input_that_hubspot_cannot_read_waits_for_a_slow_neighbor(
    fate: str,
) -> None:
    """It goes again when the neighbor shows that the call is right, and not before."""

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
    told = await outcomes(made)
    alone = [heard for heard in crm.heard if len(heard.inputs) == 1]
    if fate == "fine":
        assert (told[101], len(alone)) == ("failed", 2)
        assert numbers(told, "succeeded") == {*range(1, 101)}
    else:
        assert (told[101], len(alone)) == ("not_sent", 1)
        assert numbers(told, "unknown") == {*range(1, 101)}


async def test_single_calls_that_hubspot_cannot_read_raise() -> None:
    crm = Crm(always=UNREADABLE)
    async with HubBatch(SECRET) as hub:
        hub._engine.transport = crm
        calls = [hub.single.tickets.update("1", {"value": str(n)}) for n in range(3)]
        told = await asyncio.gather(*calls, return_exceptions=True)
    assert {type(one) for one in told} == {InvalidRequestError}
    assert len(crm.heard) <= 3


@pytest.mark.parametrize("max_inputs", [1, 2])
async def test_small_chunk_that_hubspot_cannot_read_waits_for_another(
    max_inputs: int,
) -> None:
    crm, made = meeting(6, poisoned({1}, UNREADABLE), max_inputs=max_inputs, workers=1)
    assert numbers(await outcomes(made), "failed") == {1}
    assert len(crm.heard) <= 6 + 3


async def test_without_isolation_nothing_is_sounded_out() -> None:
    crm, made = meeting(200, lambda _crm, _heard: UNREADABLE, isolate=False, workers=1)
    with pytest.raises(InvalidRequestError):
        await made
    assert len(crm.heard) == 1

    _, made = meeting(200, poisoned({150}, UNREADABLE), isolate=False, workers=1)
    assert numbers(await outcomes(made), "failed") == {*range(101, 201)}


@settings(max_examples=60)
@given(st.integers(1, 60), st.sets(st.integers(1, 60), max_size=12), st.integers(1, 20))
def test_nothing_unreadable_is_lost_or_blamed_on_another(
    count: int, bad: set[int], max_inputs: int
) -> None:
    """Either the batch ends and all is accounted for, or the bad ones alone fail."""
    loop = VirtualTimeLoop()
    try:
        crm, made = meeting(
            count, poisoned(bad, UNREADABLE), max_inputs=max_inputs, workers=2
        )
        told = loop.run_until_complete(outcomes(made))
    finally:
        loop.close()
    assert numbers(told, "failed") <= bad
    if numbers(told, "not_sent"):
        assert len(crm.heard) <= 2 + 2 * 3 + 3  # ended: refused wherever it was asked
        assert not crm.writes
    else:
        assert numbers(told, "succeeded") == {*range(1, count + 1)} - bad
        # Every input that is sent alone while nothing is known is sent once more.
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
async def test_record_on_which_hubspot_fails_takes_nobody_with_it(
    name: str, verb: Verb, status: str
) -> None:
    crm, made = meeting(400, poisoned({150, 333}, FAILURES[name]), verb, policy=FEW)
    response = await made
    told = {one.index + 1: one.status.value for one in response.failures}
    assert told == {150: status, 333: status}
    # Four chunks, two more attempts for two of them, and halves of halves.
    assert len(crm.heard) <= 4 + 2 * 2 + 2 * 14
    assert made.summary.retries == 4


async def test_parts_of_what_failed_are_sent_once_each() -> None:
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


async def test_part_is_retried_where_it_did_not_arrive() -> None:
    """A lock or a lost connection says nothing of the record."""
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


async def test_creates_that_fail_are_never_split() -> None:
    crm, made = meeting(300, poisoned({150}, FAILURES["500"]), "create")
    assert numbers(await outcomes(made), "unknown") == {*range(101, 201)}
    assert len(crm.heard) == 3


async def test_without_isolation_what_fails_is_not_split() -> None:
    crm, made = meeting(
        300, poisoned({150}, FAILURES["500"]), policy=FEW, isolate=False
    )
    assert numbers(await outcomes(made), "unknown") == {*range(101, 201)}
    assert len(crm.heard) == 5


async def test_records_that_fail_among_others_are_no_outage() -> None:
    """However many they are: HubSpot answers, so it is there."""
    bad = {*range(1, 200, 9)}

    crm, made = meeting(200, poisoned(bad, FAILURES["500"]), max_inputs=1, policy=FEW)
    assert numbers(await outcomes(made), "unknown") == bad
    assert len(crm.heard) == 200 + 2 * len(bad)


@pytest.mark.parametrize("workers", [1, 8])
async def test_while_hubspot_is_down_nothing_is_split(workers: int) -> None:
    crm, made = meeting(
        2_000, lambda _crm, _heard: FAILURES["500"], policy=FEW, workers=workers
    )
    with pytest.raises(HubSpotUnavailable):
        await made
    assert {len(heard.inputs) for heard in crm.heard} == {100}


async def test_only_chunk_is_not_split() -> None:
    """Whether HubSpot is down or a record is bad cannot be seen from it."""
    crm, made = meeting(100, poisoned({50}, FAILURES["500"]), policy=FEW)
    told = await outcomes(made)
    assert numbers(told, "unknown") == {*range(1, 101)}
    assert len(crm.heard) == 3


async def test_hubspot_that_goes_down_in_between_is_not_asked_for_every_record() -> (
    None
):
    """Chunks that were under way may be split: not on and on."""
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
def test_a_chunk_that_fails_costs_2n_calls_and_nobody_else(
    count: int, bad: set[int], verb: Verb
) -> None:
    """One chunk with bad records, and another that HubSpot answers meanwhile."""
    bad = {number for number in bad if number <= count}

    def answer(crm: Crm, heard: Heard) -> Answer:
        return FAILURES["500"] if numbers_in(heard) & bad else crm.work(heard)

    loop = VirtualTimeLoop()
    try:
        crm, made = meeting(2 * count, answer, verb, max_inputs=count, policy=FEW)
        told = loop.run_until_complete(outcomes(made))
    finally:
        loop.close()
    assert {number for number, one in told.items() if one != "succeeded"} == bad
    carrying = [heard for heard in crm.heard if min(numbers_in(heard)) <= count]
    assert len(carrying) <= FEW.attempts + 2 * count


# ---- too large


def limited(most: int, seen: list[int]) -> Callable[[Crm, Heard], Answer]:
    """Refuse requests of more bytes, as a proxy does, and note their sizes."""

    def answer(crm: Crm, heard: Heard) -> Answer:
        size = len(heard.request.body)
        if size <= most:
            return crm.work(heard)
        seen.append(size)
        return Response(413, {}, b"<title>413 Request Entity Too Large</title>")

    return answer


@pytest.mark.parametrize("count", [1_000, 10_000])
@pytest.mark.parametrize("most", [5_000, 2_000, 900])
async def test_size_that_was_refused_is_remembered(count: int, most: int) -> None:
    refused: list[int] = []
    crm, made = meeting(count, limited(most, refused), workers=1)
    response = await made
    assert response.succeeded == count
    assert len(refused) <= 4
    assert refused == sorted(refused, reverse=True)
    sent = [len(heard.request.body) for heard in crm.heard]
    assert max(sent[-10:]) <= most
    # Chunks are cut to half of what was refused at least.
    assert len(crm.heard) <= len(refused) + 2 + count / (most / 2 // 90)


@pytest.mark.parametrize("count", [2_000, 20_000])
async def test_requests_under_way_are_all_that_is_refused_as_well(count: int) -> None:
    refused: list[int] = []
    _, made = meeting(count, limited(3_000, refused), workers=8)
    assert (await made).succeeded == count
    assert len(refused) <= 2 * 8


async def test_record_that_is_too_large_says_how_large_it_is() -> None:
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
    # It is found by halving, and the others go on in chunks of usual size.
    assert len(crm.heard) <= 3 + 2 * 8
    assert len(crm.heard[-1].inputs) == 100


async def test_number_of_inputs_that_was_refused_is_remembered() -> None:
    def answer(crm: Crm, heard: Heard) -> Answer:
        if len(heard.inputs) <= 50:
            return crm.work(heard)
        told = "The maximum number of inputs supported in a batch is 50. Please reduce"
        return refusal(400, told, "VALIDATION_ERROR")

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
async def test_mistake_in_the_job_ends_it_soon(
    verb: Verb, workers: int, message: str
) -> None:
    always = refusal(400, message, "VALIDATION_ERROR")
    crm, made = meeting(
        20_000, lambda _crm, _heard: always, verb, workers=workers, max_failures="auto"
    )
    with pytest.raises(TooManyFailures, match="for one reason: ") as caught:
        await made
    assert len(crm.heard) <= 150
    assert made.summary.failed <= 1_000
    assert made.summary.failed + made.summary.not_sent == 20_000
    # Each that failed was refused alone.
    alone = {number for heard in crm.heard if len(heard.inputs) == 1
             for number in numbers_in(heard)}  # fmt: skip
    failed = {one.index + 1 for one in caught.value.response.failed}
    assert failed <= alone
    assert "Nothing further was sent" in str(caught.value)


@pytest.mark.parametrize("fine", [1, 24, 500, 1_000])
async def test_one_record_that_is_not_named_is_enough_to_go_on(fine: int) -> None:
    """HubSpot refuses it in company, and does not name it: it is sent at once."""

    def answer(crm: Crm, heard: Heard) -> Answer:
        if numbers_in(heard) == {fine}:
            return crm.work(heard)
        return refusal(400, ALL_ALIKE["named"], "VALIDATION_ERROR")

    _, made = meeting(1_100, answer, workers=1, max_failures="auto")
    made._source[fine - 1]["properties"] = {"other": "x"}  # type: ignore[index] # a list
    told = await outcomes(made)
    assert numbers(told, "succeeded") == {fine}
    assert numbers(told, "failed") == {*range(1, 1_101)} - {fine}


async def test_one_success_among_those_sent_alone_is_enough_to_go_on() -> None:
    def answer(crm: Crm, heard: Heard) -> Answer:
        if numbers_in(heard) == {1}:
            return crm.work(heard)
        return refusal(400, "Something is wrong", "VALIDATION_ERROR")

    _, made = meeting(1_100, answer, workers=1, max_failures="auto")
    assert numbers(await outcomes(made), "failed") == {*range(2, 1_101)}


async def test_another_reason_among_those_sent_alone_is_enough_to_go_on() -> None:
    def answer(_: Crm, heard: Heard) -> Answer:
        category = "OTHER" if numbers_in(heard) == {1} else "VALIDATION_ERROR"
        return refusal(400, "Something is wrong", category)

    _, made = meeting(1_100, answer, workers=1, max_failures="auto")
    assert len((await made).failed) == 1_100


@pytest.mark.parametrize("every", [2, 3, 5, 10])
@pytest.mark.parametrize("first", [0, 1])
async def test_pattern_of_bad_records_is_not_taken_for_all(
    every: int, first: int
) -> None:
    bad = {*range(1 + first, 1_500, every)}
    refused = refusal(400, "Something is wrong", "VALIDATION_ERROR")
    _, made = meeting(1_500, poisoned(bad, refused), max_failures="auto")
    told = await outcomes(made)
    assert numbers(told, "failed") == bad
    assert numbers(told, "succeeded") == {*range(1, 1_501)} - bad


@pytest.mark.parametrize(
    ("status", "message", "category"),
    [
        (409, "Contact already exists. Existing ID: 7", "CONFLICT"),
        (404, "gone", "OBJECT_NOT_FOUND"),
    ],
)
async def test_what_is_there_or_gone_is_no_mistake_in_the_job(
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
def test_sampling_loses_nobody_and_costs_2n_calls(
    count: int,
    bad: set[int],
    max_inputs: int,
    names: bool,  # noqa: FBT001 -- a strategy's
) -> None:
    """With the watch on, whoever is bad: who fails was refused alone."""
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
        told = loop.run_until_complete(outcomes(made))
    finally:
        loop.close()
    assert numbers(told, "failed") == bad
    assert numbers(told, "succeeded") == {*range(1, count + 1)} - bad
    assert len(crm.heard) <= 2 * count


# ---- since 2026-09


async def test_missing_permission_ends_the_batch_at_once() -> None:
    refused = refusal(
        400, "Missing 'Edit Associations' permission.", "VALIDATION_ERROR"
    )
    crm = Crm(always=refused)
    pairs = [{"from": {"id": str(n)}, "to": {"id": str(n)}} for n in range(1, 101)]
    call = look_up(
        "associations", "create_default", "contacts", "companies", api_version="2026-09"
    )
    made = batch(crm, call, pairs)
    with pytest.raises(PermissionDeniedError, match="Edit Associations"):
        await made
    assert len(crm.heard) == 1
    assert made.summary.not_sent == 100


async def test_unique_values_that_no_record_has_are_named_by_coordinates() -> None:
    missing = {3, 77}

    def answer(crm: Crm, heard: Heard) -> Answer:
        gone = [item["id"] for item in heard.inputs
                if int(item["id"][1:]) in missing]  # fmt: skip
        if not gone:
            return crm.work(heard)
        told = [f"0-5 ref:{value}" for value in gone]
        context = {"missingObjectPropertyValueCoordinates": told}
        return refusal(400, "Some are missing", "VALIDATION_ERROR", context=context)

    crm = Crm()
    crm.fill(100)
    crm.always = lambda heard: answer(crm, heard)
    inputs = [{"id": f"r{n}", "properties": {"value": "x"}} for n in range(1, 101)]
    response = await batch(crm, operation("update", id_property="ref"), inputs)
    assert {one.index + 1 for one in response.failed} == missing
    assert all(type(one.error) is RecordNotFound for one in response.failed)
    assert len(crm.heard) == 4

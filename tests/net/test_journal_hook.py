"""What a run tells its journal, and when."""

import asyncio

from contextlib import suppress
from typing import Any

import orjson
import pytest

from hubbatch import HubBatchError, RetryPolicy
from hubbatch._http import Response
from hubbatch._outcomes.queue import Chunk
from hubbatch._outcomes.response import Collector, CombinedResponse
from hubbatch._wire.endpoints import Operation, operation_for
from hubbatch.errors import JournalError
from tests.net.crm import (
    LOCKED,
    UNAUTHORIZED,
    UNIQUE,
    Crm,
    Fate,
    Heard,
    batch,
    operation,
    page,
    refusal,
    throttled,
    updates,
)


CREATE = operation_for(
    "objects", "create", "tickets", api_version="v3", reconcile_by=UNIQUE
)


class Diary:
    """Remembers what it is told, and may keep requests waiting or refuse them."""

    def __init__(self, crm: Crm) -> None:
        self.crm = crm
        self.told: list[tuple[str, list[int]]] = []
        self.away: set[int] = set()
        self.seconds = 0.0
        self.error: HubBatchError | None = None

    async def leaving(self, chunk: Chunk) -> None:
        before = len(self.crm.heard)
        places = [index for index, _, _ in chunk.rows()]
        self.told.append(("leaving", places))
        await asyncio.sleep(self.seconds)
        if self.error is not None:
            raise self.error
        self.away.update(places)
        assert len(self.crm.heard) == before

    def not_written(self, chunk: Chunk) -> None:
        places = [index for index, _, _ in chunk.rows()]
        self.told.append(("not written", places))
        self.away.difference_update(places)


async def run(
    crm: Crm, call: Operation, inputs: Any, diary: Diary, **options: Any
) -> CombinedResponse[Any]:
    policy = RetryPolicy(attempts=options.pop("attempts", 5))
    maybe_sent = options.pop("maybe_sent", False)
    made = batch(crm, call, inputs, policy=policy, workers=1, **options)
    collector: Collector[Any] = Collector(call)
    going = made.begin(collector, journal=diary, maybe_sent=maybe_sent)
    with suppress(HubBatchError):
        await made.feed(going)
    return collector.response()


async def test_every_request_is_told_of_before_it_leaves() -> None:
    crm = Crm()
    crm.fill(250)
    diary = Diary(crm)
    diary.seconds = 0.5
    response = await run(crm, operation("update"), updates(250), diary)

    assert response.succeeded == 250
    assert [told for told, _ in diary.told] == ["leaving"] * 3
    assert [len(places) for _, places in diary.told] == [100, 100, 50]
    assert diary.away == {*range(250)}


async def test_those_who_are_answered_with_another_leave_with_it() -> None:
    crm = Crm()
    crm.fill(2)
    diary = Diary(crm)
    await run(crm, operation("archive"), ["1", "2", "1"], diary)

    assert diary.away == {0, 1, 2}


@pytest.mark.parametrize(
    "fate",
    ["refused", "throttled", LOCKED, refusal(400, "no", "VALIDATION_ERROR")],
    ids=["not reached", "429", "423", "400"],
)
async def test_what_came_to_nothing_is_told_of(fate: Fate) -> None:
    crm = Crm(script=[fate])
    diary = Diary(crm)
    response = await run(crm, operation("create"), updates_of_none(1), diary)

    assert response.succeeded + len(response.failed) == 1
    assert diary.told[:2] == [("leaving", [0]), ("not written", [0])]


def updates_of_none(count: int) -> list[dict[str, Any]]:
    return [{"properties": {UNIQUE: f"n{n}", "value": f"v{n}"}} for n in range(count)]


@pytest.mark.parametrize(
    "fate",
    [UNAUTHORIZED, refusal(403, "no"), page(404), throttled("DAILY"), "throttled"],
    ids=["401", "403", "404", "daily", "429"],
)
async def test_what_ends_a_batch_has_written_nothing(fate: Fate) -> None:
    crm = Crm(always=fate)
    diary = Diary(crm)
    await run(crm, operation("create"), updates_of_none(3), diary)

    assert diary.told[-1] == ("not written", [0, 1, 2])
    assert not diary.away


@pytest.mark.parametrize(
    "fate",
    [
        "502 before",
        "502 after",
        "dropped after",
        "truncated",
        refusal(400, "Cannot set PropertyValueCoordinates", "VALIDATION_ERROR"),
        page(400),
    ],
    ids=["502", "502 after", "dropped", "truncated", "half-way", "a proxy's 400"],
)
async def test_what_may_have_been_written_stays_away(fate: Fate) -> None:
    crm = Crm(script=[fate])
    diary = Diary(crm)
    response = await run(crm, operation("create"), updates_of_none(3), diary)

    assert len(response.unknown) == 3
    assert diary.told == [("leaving", [0, 1, 2])]


async def test_what_may_have_been_written_once_stays_so() -> None:
    """Refused later for its records, a chunk may still be half there."""
    crm = Crm(script=["502 after", "refused"], always="fine")
    crm.fill(3)
    diary = Diary(crm)
    await run(crm, operation("update"), updates(3), diary)

    assert {told for told, _ in diary.told} == {"leaving"}


async def test_a_question_is_nothing_that_leaves() -> None:
    crm = Crm(script=["502 before"])
    diary = Diary(crm)
    await run(crm, CREATE, updates_of_none(3), diary)

    assert [heard.verb for heard in crm.heard] == ["create", "read", "create"]
    assert diary.told == [("leaving", [0, 1, 2])] * 2


async def test_what_cannot_be_written_down_does_not_leave() -> None:
    crm = Crm()
    diary = Diary(crm)
    diary.error = JournalError("The disk is full")
    response = await run(crm, operation("create"), updates_of_none(250), diary)

    assert not crm.heard
    assert len(response.not_sent) == 250
    error = response.not_sent[0].error
    assert error is not None
    assert "The disk is full" in str(error)


async def test_what_is_stopped_while_it_is_written_down_does_not_leave() -> None:
    crm = Crm()
    diary = Diary(crm)
    diary.seconds = 1.0
    call = operation("create")
    made = batch(crm, call, updates_of_none(3), workers=1)
    collector: Collector[Any] = Collector(call)
    going = made.begin(collector, journal=diary)
    asyncio.get_running_loop().call_later(0.5, going.end, JournalError("stopped"))
    with pytest.raises(JournalError, match="stopped"):
        await made.feed(going)

    assert not crm.heard
    assert len(collector.response().not_sent) == 3


async def test_what_is_cancelled_while_it_is_written_down_was_not_sent() -> None:
    crm = Crm()
    diary = Diary(crm)
    diary.seconds = 1.0
    call = operation("create")
    made = batch(crm, call, updates_of_none(3), workers=1)
    collector: Collector[Any] = Collector(call)
    task = asyncio.create_task(made.feed(made.begin(collector, journal=diary)))
    await asyncio.sleep(0.5)
    task.cancel()
    await asyncio.wait([task])

    assert not crm.heard
    assert len(collector.response().not_sent) == 3


# ---- what an earlier process may have sent


async def test_doubted_creates_are_looked_for_before_they_are_sent() -> None:
    crm = Crm()
    crm.records["5"] = {UNIQUE: "n1", "value": "v1"}
    diary = Diary(crm)
    response = await run(crm, CREATE, updates_of_none(3), diary, maybe_sent=True)

    assert [heard.verb for heard in crm.heard] == ["read", "create"]
    assert response.succeeded == 3
    assert response.outcomes[1].id == "5"
    assert diary.told == [("leaving", [0, 2])]


async def test_a_doubted_upsert_does_not_say_that_it_was_not_new() -> None:
    crm = Crm()
    crm.fill(1)
    inputs = [{"id": f"r{n}", "properties": {"value": "v"}} for n in (1, 2)]
    call = operation("upsert", id_property=UNIQUE)
    response = await run(crm, call, inputs, Diary(crm), maybe_sent=True)

    assert [outcome.result.new for outcome in response.outcomes if outcome.result] == [
        None,
        True,
    ]


async def test_a_doubted_update_that_is_never_taken_is_unknown() -> None:
    crm = Crm(always="refused")
    response = await run(
        crm, operation("update"), updates(3), Diary(crm), maybe_sent=True, attempts=2
    )

    assert len(response.unknown) == 3


async def test_a_doubted_create_that_cannot_be_looked_up_is_never_sent() -> None:
    """A job does not pass such creates on; here they would be made twice."""
    crm = Crm()
    made = batch(crm, operation("create"), updates_of_none(250), workers=2)
    collector: Collector[Any] = Collector(made.operation)
    going = made.begin(collector, maybe_sent=True)
    with pytest.raises(RuntimeError, match="may have written its records"):
        await made.feed(going)

    assert crm.heard == []
    response = collector.response()
    assert len(response.unknown) + len(response.not_sent) == 250
    assert len(response.unknown) >= 100
    assert {outcome.attempts for outcome in response.failures} == {0}
    assert going.summary.settled == 250


class Broken(Collector[Any]):
    """A sink that raises at its second success, before it keeps anything."""

    successes = 0

    def succeeded(self, chunk: Chunk, results: list[Any]) -> None:
        self.successes += 1
        if self.successes == 2:
            raise ZeroDivisionError
        super().succeeded(chunk, results)


@pytest.mark.parametrize("amiss", ["nothing", "one is not there", "one is left out"])
async def test_a_sink_that_raises_leaves_no_input_without_an_outcome(
    amiss: str,
) -> None:
    """Neither those it raised for nor those whose effects would have come next."""
    crm = Crm()
    crm.fill(300)
    inputs = updates(300)
    if amiss == "one is not there":
        inputs[150]["id"] = "7777777"

    def leave_one_out(heard: Heard) -> Any:
        answer = crm.work(heard)
        body = orjson.loads(answer.body)
        body["results"] = body["results"][1:]
        return Response(answer.status, answer.headers, orjson.dumps(body))

    if amiss == "one is left out":
        crm.always = leave_one_out
    made = batch(crm, operation("update"), inputs, workers=1)
    broken = Broken(made.operation)
    going = made.begin(broken)
    with pytest.raises(ZeroDivisionError):
        await made.feed(going)

    response = broken.response()
    summary = going.summary
    assert summary.settled == summary.inputs == 300
    done = 99 if amiss == "one is left out" else 100
    assert (response.succeeded, summary.succeeded) == (done, done)
    assert len(response.unknown) == summary.unknown >= 100
    assert len(response.not_sent) == summary.not_sent == 300 - done - summary.unknown


async def test_only_what_is_new_is_doubted() -> None:
    """Split for a bad record, the parts keep what is known of them."""
    crm = Crm(traced=False)
    inputs = updates_of_none(4)
    inputs[2]["properties"]["value"] = "bad"
    response = await run(crm, CREATE, inputs, Diary(crm), maybe_sent=True)

    assert [heard.verb for heard in crm.heard][:2] == ["read", "create"]
    assert [heard.verb for heard in crm.heard].count("read") == 1
    assert response.succeeded == 3
    assert len(response.failed) == 1

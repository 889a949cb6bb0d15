"""Single calls on the scripted HubSpot: who rides with whom, and who is told what."""

import asyncio
import contextvars
import gc
import pickle
import weakref

from itertools import pairwise
from typing import Any, TypeVar

import orjson
import pytest

from hubbatch import (
    AuthenticationError,
    HubBatchError,
    HubSpotUnavailable,
    OutcomeUnknown,
    OverloadedError,
    PermissionDeniedError,
    RateLimit,
    RecordConflict,
    RecordError,
    RecordInvalid,
    RecordNotFound,
    RetryPolicy,
)
from hubbatch.core import accounting
from hubbatch.core.calls import Encoded, Encoder
from hubbatch.core.encoding import encoder
from hubbatch.core.operations import Operation, look_up
from hubbatch.net.batch import Batch
from hubbatch.net.mailbox import Mailboxes
from tests.net.crm import (
    SECRET,
    UNAUTHORIZED,
    Crm,
    engine,
    operation,
    page,
    refusal,
    throttled,
)


E = TypeVar("E", bound=BaseException)

UPDATE = operation("update")
READ = operation("read")
CREATE = operation("create")
ARCHIVE = operation("archive")
UPSERT = operation("upsert", id_property="ref")


class Desk:
    """A scripted HubSpot, and single calls to it as tasks."""

    def __init__(self, *script: Any, **options: Any) -> None:
        crm_options = {
            name: options.pop(name)
            for name in ("latency", "traced", "echoes", "always")
            if name in options
        }
        self.crm = Crm(script=[*script], **crm_options)
        self.crm.fill(200)
        self.engine = engine(self.crm, **options)
        self.boxes = Mailboxes(self.engine)

    def ask(self, call: Operation, given: Any) -> "asyncio.Task[Any]":
        return asyncio.create_task(self.boxes.ask(call, given))

    def update(self, number: int, value: str = "v") -> "asyncio.Task[Any]":
        given = {"id": str(number), "properties": {"value": value}}
        return self.ask(UPDATE, given)

    def create(self, value: str) -> "asyncio.Task[Any]":
        return self.ask(CREATE, {"properties": {"value": value}})

    def read(self, number: int) -> "asyncio.Task[Any]":
        return self.ask(READ, str(number))

    @property
    def sizes(self) -> list[int]:
        return [len(heard.inputs) for heard in self.crm.heard]

    def check_nothing_is_left(self) -> None:
        assert len(asyncio.all_tasks()) == 1
        assert self.boxes._desk.open == {}
        assert self.boxes._desk.tasks == set()
        assert self.boxes._desk.pending == 0
        assert self.engine._stay.active == 0
        assert self.engine.gate.granted == len(self.crm.heard)


async def fails(kind: type[E], task: "asyncio.Task[Any]") -> E:
    with pytest.raises(kind) as caught:
        await task
    assert type(caught.value) is kind
    return caught.value


async def settled() -> None:
    """Let everything come to its end that can."""
    await asyncio.sleep(1_000)


# ---- who rides with whom


async def test_calls_of_one_moment_ride_together() -> None:
    desk = Desk()
    results = await asyncio.gather(*(desk.update(n, f"v{n}") for n in range(1, 61)))
    assert desk.sizes == [60]
    assert [result.id for result in results] == [str(n) for n in range(1, 61)]
    assert [result.properties["value"] for result in results] == [
        f"v{n}" for n in range(1, 61)
    ]
    await settled()
    desk.check_nothing_is_left()


async def test_lone_call_waits_for_three_milliseconds() -> None:
    desk = Desk(latency=(0, 0))
    await desk.update(1)
    assert [round(heard.at, 4) for heard in desk.crm.heard] == [0.003]


async def test_full_chunk_leaves_at_once() -> None:
    desk = Desk(latency=(0, 0))
    await asyncio.gather(*(desk.update(n) for n in range(1, 121)))
    assert desk.sizes == [100, 20]
    assert round(desk.crm.heard[0].at, 4) == 0.0


async def test_chunks_grow_while_the_gate_holds() -> None:
    desk = Desk(rate_limit=RateLimit(1, interval=5.0, burst=1))
    tasks = []
    for number in range(1, 42):
        tasks.append(desk.update(number))
        await asyncio.sleep(0.1)
    await asyncio.gather(*tasks)
    assert desk.sizes == [1, 40]


async def test_requests_that_are_not_full_keep_their_distance() -> None:
    """A busy second must not use up in handfuls what the next nine need."""
    desk = Desk(rate_limit=RateLimit.professional(), latency=(0, 0))
    tasks = []
    for number in range(400):
        tasks.append(desk.update(number % 200 + 1))
        await asyncio.sleep(0.005)
    await asyncio.gather(*tasks)
    times = [heard.at for heard in desk.crm.heard]
    assert 5 + 36 <= len(times) <= 5 + 39
    assert round(times[3] - times[2], 3) <= 0.01
    assert {round(two - one, 3) for one, two in pairwise(times[5:])} <= {0.053, 0.054}


async def test_full_chunk_keeps_no_distance() -> None:
    desk = Desk(rate_limit=RateLimit.professional(), latency=(0, 0))
    for _ in range(20):
        await asyncio.gather(*(desk.update(n) for n in range(1, 101)))
    assert desk.sizes == [100] * 20
    assert asyncio.get_running_loop().time() < 0.1


async def test_single_call_leaves_before_a_migration() -> None:
    desk = Desk(rate_limit=RateLimit(1, interval=5.0, burst=1))
    bulk: Any = Batch(desk.engine, operation("archive", max_inputs=1), range(1, 7))
    migration = asyncio.create_task(bulk)
    await asyncio.sleep(1)
    await desk.update(9)
    assert [heard.verb for heard in desk.crm.heard] == ["archive", "update"]
    await migration


async def test_kinds_of_call_do_not_mix() -> None:
    desk = Desk()
    by_ref = operation("update", id_property="ref")
    given = {"id": "r5", "properties": {"value": "v"}}
    created, read, updated, also, upserted, archived = await asyncio.gather(
        desk.create("v"),
        desk.read(1),
        desk.update(2),
        desk.ask(by_ref, given),
        desk.ask(UPSERT, {"id": "new", "properties": {"value": "v"}}),
        desk.ask(ARCHIVE, 3),
    )
    assert sorted(heard.verb for heard in desk.crm.heard) == [
        "archive",
        "create",
        "read",
        "update",
        "update",
        "upsert",
    ]
    assert int(created.id) > 90_000
    assert [read.id, updated.id, also.id] == ["1", "2", "5"]
    assert (upserted.new, archived) == (True, None)
    assert desk.crm.archived == {"3"}


async def test_callers_of_one_read_share_an_input_until_it_is_sent() -> None:
    desk = Desk(latency=(1, 1))
    first, second = desk.read(1), desk.read(1)
    await asyncio.sleep(0.1)
    assert desk.sizes == [1]
    third = desk.read(1)  # joined in flight, it might not see what was just written
    one, two, three = await asyncio.gather(first, second, third)
    assert desk.sizes == [1, 1]
    assert one == two == three
    one.properties["value"] = "spoilt"
    assert two.properties["value"] == "old"
    await desk.read(1)
    assert desk.sizes == [1, 1, 1]


async def test_callers_with_other_properties_get_their_own() -> None:
    desk = Desk()
    other = look_up(
        "objects", "read", "tickets", api_version="v3", properties=("value",)
    )
    await asyncio.gather(desk.read(1), desk.ask(other, "1"))
    asked = sorted(heard.body["properties"] for heard in desk.crm.heard)
    assert asked == [[], ["value"]]


async def test_writes_to_one_record_keep_their_order() -> None:
    desk = Desk()
    await asyncio.gather(*(desk.update(1, f"v{n}") for n in range(5)), desk.update(2))
    assert desk.sizes == [2, 1, 1, 1, 1]
    assert [value for key, value in desk.crm.writes if key[1] == "1"] == [
        f"v{n}" for n in range(5)
    ]
    assert desk.crm.overlaps == []


async def test_hot_record_does_not_keep_the_others_waiting() -> None:
    """More writes to one record than any batch would hold back."""
    desk = Desk(latency=(1, 1), workers=1)
    hot = [desk.update(1, f"v{n}") for n in range(300)]
    await desk.update(2)
    assert desk.crm.heard[0].ids == ["1", "2"]
    for task in hot:
        task.cancel()
    await asyncio.wait(hot)


# ---- who is told what


async def test_bad_record_harms_no_other_caller() -> None:
    desk = Desk(traced=False)
    good = [desk.create(f"v{n}") for n in range(20)]
    bad = desk.create("bad one")
    error = await fails(RecordInvalid, bad)
    assert error.property_name == "value"
    assert len({(await task).id for task in good}) == 20


async def test_record_that_is_not_there() -> None:
    """Each has an error of its own, which names nobody else's record."""
    desk = Desk()
    there = desk.read(1)
    missing = [desk.read(n) for n in (404, 405, 404)]
    errors = [await fails(RecordNotFound, task) for task in missing]
    assert [error.context for error in errors] == [
        {"ids": ["404"]},
        {"ids": ["405"]},
        {"ids": ["404"]},
    ]
    assert len({*map(id, errors)}) == 3
    assert (await there).id == "1"
    assert desk.sizes == [3]


async def test_conflict_names_the_record_that_has_the_value() -> None:
    taken = refusal(409, "Contact already exists. Existing ID: 77", "CONFLICT")
    error = await fails(RecordConflict, Desk(taken).create("v"))
    assert error.existing_id == "77"


async def test_lost_create_is_unknown_and_not_sent_again() -> None:
    desk = Desk("dropped after")
    errors = [
        await fails(OutcomeUnknown, task)
        for task in [desk.create("v1"), desk.create("v2")]
    ]
    assert errors[0] is not errors[1]
    assert errors[0].category == "OUTCOME_UNKNOWN"
    assert len(desk.crm.heard) == 1


async def test_creates_that_cannot_be_told_apart_are_not_guessed() -> None:
    desk = Desk(echoes=False)
    alike = [desk.create("v"), desk.create("v")]
    other = desk.create("w")
    for task in alike:
        error = await fails(OutcomeUnknown, task)
        assert "HubSpot has written it" in str(error)
    assert (await other).properties["value"] == "w"


async def test_input_that_cannot_be_sent() -> None:
    desk = Desk()
    naive = desk.ask(UPDATE, {"id": "1", "properties": {"value": float("nan")}})
    nameless = desk.ask(READ, "1.0")
    error = await fails(RecordInvalid, naive)
    assert (error.property_name, error.origin) == ("value", "hubbatch")
    await fails(RecordInvalid, nameless)
    assert desk.crm.heard == []
    await settled()
    desk.check_nothing_is_left()


async def test_what_ends_a_run_is_raised_to_each_afresh() -> None:
    desk = Desk(UNAUTHORIZED, rate_limit=RateLimit(1, interval=5.0, burst=1))
    errors = [
        await fails(AuthenticationError, task)
        for task in [desk.update(n) for n in range(1, 131)]
    ]
    assert len({*map(id, errors)}) == 130
    assert {error.status for error in errors} == {401}
    assert SECRET not in repr(pickle.dumps(errors[0]))
    # Nothing of it sticks.
    assert (await desk.update(1)).id == "1"
    await settled()
    desk.check_nothing_is_left()


async def test_doubt_is_never_told_as_a_refusal() -> None:
    """A write that may have arrived before the token was refused."""
    desk = Desk("502 after", UNAUTHORIZED)
    error = await fails(OutcomeUnknown, desk.update(1))
    assert isinstance(error.__cause__, AuthenticationError)


async def test_hubspot_is_down_and_comes_back() -> None:
    desk = Desk(
        *[page(502)] * 3,
        policy=RetryPolicy(attempts=1),
        rate_limit=RateLimit(1, interval=10, burst=1),
    )
    tasks = [desk.update(n) for n in range(1, 351)]
    for task in tasks[:300]:
        await fails(OutcomeUnknown, task)
    for task in tasks[300:]:
        await fails(HubSpotUnavailable, task)
    assert (await desk.update(1)).id == "1"


async def test_no_room_in_the_limit_is_not_sent() -> None:
    policy = RetryPolicy(max_elapsed=20)
    desk = Desk(policy=policy, always=throttled())
    error = await fails(HubSpotUnavailable, desk.update(1))
    assert (error.status, error.maybe_written) == (429, False)


async def test_a_call_that_was_given_up_is_told_so() -> None:
    """A read, or a write that never arrived: nothing was written, whatever it was."""
    answer = refusal(503, "Down.", "INTERNAL_ERROR")
    policy = RetryPolicy(attempts=2)
    desk = Desk(always=answer, policy=policy)
    error = await fails(HubSpotUnavailable, desk.read(1))
    told = orjson.loads(answer.body)["correlationId"]
    assert (error.status, error.category, error.correlation_id) == (
        503,
        "INTERNAL_ERROR",
        told,
    )
    assert error.message == (
        "No request got a usable answer from HubSpot: Down. Try again later."
    )
    nobody = Desk(always="refused", policy=policy)
    for task in (nobody.create("v"), nobody.update(1), nobody.read(2)):
        error = await fails(HubSpotUnavailable, task)
        assert (error.status, error.maybe_written) == (None, False)


async def test_a_call_is_told_of_itself_whatever_became_of_others() -> None:
    """Three runs of chunks are given up: some may be written, this one is not."""
    desk = Desk(
        always="502 after",
        policy=RetryPolicy(attempts=1),
        rate_limit=RateLimit(1, interval=10, burst=1),
    )
    tasks = [desk.update(n) for n in range(1, 351)]
    errors = await asyncio.gather(*tasks, return_exceptions=True)
    kinds = {type(error) for error in errors}
    assert kinds == {OutcomeUnknown, HubSpotUnavailable}
    for error in errors:
        if isinstance(error, HubSpotUnavailable):
            assert not error.maybe_written
            assert error.message.endswith("Try again later.")


async def test_token_callable_that_fails() -> None:
    vault = PermissionError("the vault is shut")

    async def token() -> str:
        raise vault

    desk = Desk(token=token)
    errors = [await fails(RecordError, desk.update(n)) for n in (1, 2)]
    assert [error.category for error in errors] == ["NOT_SENT"] * 2
    assert [error.__cause__ for error in errors] == [vault] * 2


async def test_calls_made_while_a_run_ends_keep_the_order_of_writes() -> None:
    """The next run begins when all of the one before is settled."""
    desk = Desk(latency=(2, 2))
    first = desk.update(1, "v1")
    await asyncio.sleep(0.5)
    desk.crm.latency = (0.1, 0.1)
    desk.crm.script = [refusal(403, "no scope", "MISSING_SCOPES")]
    await fails(PermissionDeniedError, desk.update(2))
    assert not first.done()
    third = desk.update(1, "v3")
    assert (await first).properties["value"] == "v1"
    assert (await third).properties["value"] == "v3"
    assert desk.crm.overlaps == []
    assert [value for _, value in desk.crm.writes] == ["v1", "v3"]


# ---- who has gone


async def test_call_that_is_cancelled_before_its_turn_is_not_sent() -> None:
    desk = Desk()
    desk.engine.gate.hold(10)
    kept, gone = desk.update(1), desk.update(2)
    await asyncio.sleep(5)
    gone.cancel()
    await kept
    assert [heard.ids for heard in desk.crm.heard] == [["1"]]
    assert gone.cancelled()


async def test_call_that_is_cancelled_at_once_is_not_sent() -> None:
    desk = Desk()
    tasks = [desk.update(1), desk.update(2)]
    await asyncio.sleep(0)
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
    await settled()
    assert desk.crm.heard == []
    assert desk.engine.gate.granted == 0
    desk.check_nothing_is_left()


async def test_all_who_wait_for_the_gate_go() -> None:
    """Nobody waits for a permit any more, and nothing is left."""
    desk = Desk()
    desk.engine.gate.hold(100)
    tasks = [desk.update(n % 150 + 1) for n in range(2_000)]
    tasks += [desk.read(n % 5 + 1) for n in range(2_000)]
    tasks += [desk.create(f"v{n}") for n in range(2_000)]
    await asyncio.sleep(50)
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
    await asyncio.sleep(1)
    desk.check_nothing_is_left()
    assert desk.crm.heard == []


async def test_next_write_follows_one_that_is_taken_back() -> None:
    desk = Desk()
    desk.engine.gate.hold(10)
    tasks = [desk.update(1, f"v{n}") for n in range(4)]
    await asyncio.sleep(1)
    tasks[0].cancel()
    tasks[2].cancel()
    await asyncio.wait(tasks)
    assert [value for _, value in desk.crm.writes] == ["v1", "v3"]


async def test_shared_read_is_sent_for_who_stays() -> None:
    desk = Desk()
    desk.engine.gate.hold(10)
    gone, stays = desk.read(1), desk.read(1)
    await asyncio.sleep(1)
    gone.cancel()
    assert (await stays).id == "1"
    assert desk.sizes == [1]


async def test_call_that_is_cancelled_after_it_was_sent_is_written() -> None:
    desk = Desk(latency=(5, 5))
    gone = desk.update(1, "v1")
    await asyncio.sleep(1)
    gone.cancel()
    await asyncio.wait([gone])
    await desk.engine.aclose()  # waits for it
    assert [value for _, value in desk.crm.writes] == ["v1"]
    await settled()
    desk.check_nothing_is_left()


async def test_refusal_that_nobody_waits_for_is_not_reported(
    caplog: pytest.LogCaptureFixture,
) -> None:
    desk = Desk(latency=(5, 5))
    gone = desk.read(404)
    await asyncio.sleep(1)
    gone.cancel()
    await settled()
    gc.collect()
    assert caplog.records == []


async def test_starter_s_cancellation_is_not_the_run_s() -> None:
    desk = Desk(latency=(5, 5))
    starter = desk.update(1)
    await asyncio.sleep(0.001)
    rider = desk.update(2)
    await asyncio.sleep(1)
    starter.cancel()
    assert (await rider).id == "2"
    assert [heard.ids for heard in desk.crm.heard] == [["1", "2"]]


async def test_call_whose_input_was_changed_meanwhile_is_withdrawn() -> None:
    desk = Desk()
    desk.engine.gate.hold(10)
    given: dict[str, Any] = {"id": "1", "properties": {"value": "v1"}}
    gone = desk.ask(UPDATE, given)
    await asyncio.sleep(1)
    given["properties"]["value"] = float("nan")
    gone.cancel()
    await settled()
    assert desk.crm.heard == []
    desk.check_nothing_is_left()


async def test_cancelled_calls_are_not_encoded_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    encoded = []

    def counting(operation: Operation) -> Encoder:
        encode = encoder(operation)

        def counted(index: int, given: object) -> Encoded:
            encoded.append(index)
            return encode(index, given)

        return counted

    monkeypatch.setattr(accounting, "encoder", counting)
    monkeypatch.setattr(accounting, "column_encoder", lambda _: lambda *_: None)
    desk = Desk()
    desk.engine.gate.hold(10)
    calls = [desk.update(number) for number in range(1, 200)]
    await asyncio.sleep(1)
    assert len(encoded) == 199
    for call in calls:
        call.cancel()
    await settled()
    assert len(encoded) == 199
    assert desk.crm.heard == []
    desk.check_nothing_is_left()


async def test_first_answer_stands() -> None:
    """A chunk that is dropped half-way through being settled is settled again."""
    desk = Desk()
    task = desk.update(1)
    await asyncio.sleep(0.001)
    [box] = desk.boxes._desk.open.values()
    box._settle(0, "first")
    box._settle(0, "second")
    assert await task == "first"
    await settled()
    desk.check_nothing_is_left()


# ---- how many may wait


async def test_too_many_are_refused_at_once() -> None:
    """All kinds count together, and who has gone counts no more."""
    desk = Desk()
    desk.boxes.max_pending = 3
    desk.engine.gate.hold(10)
    waiting = [desk.update(1), desk.read(1), desk.create("v")]
    await asyncio.sleep(1)
    error = await fails(OverloadedError, desk.update(2))
    assert str(error) == "3 single calls wait already; this one was not sent"
    assert str(pickle.loads(pickle.dumps(error))) == str(error)  # noqa: S301 -- our own
    assert asyncio.get_running_loop().time() < 2
    waiting.pop().cancel()
    await asyncio.sleep(0)
    assert (await desk.update(2)).id == "2"
    await asyncio.gather(*waiting)


# ---- its end


async def test_closing_answers_every_call() -> None:
    desk = Desk()
    desk.engine.gate.hold(10)
    tasks = [desk.update(n) for n in range(1, 151)] + [desk.read(1)]
    await asyncio.sleep(0)
    closing = asyncio.create_task(desk.engine.aclose())
    await asyncio.sleep(1)
    with pytest.raises(RuntimeError, match="this client is closed"):
        await desk.update(1)
    await closing
    assert desk.crm.closed
    assert all(task.done() for task in tasks)
    assert len({result.id for result in await asyncio.gather(*tasks)}) == 150


async def test_tasks_that_begin_at_once() -> None:
    """Python 3.12 can do so; on 3.11 every task begins in the loop's next turn."""
    eager: Any = getattr(asyncio, "eager_task_factory", None)
    asyncio.get_running_loop().set_task_factory(eager)
    desk = Desk()
    tasks = [desk.update(n) for n in range(1, 4)]
    taken_back = desk.update(4)
    taken_back.cancel()
    assert [result.id for result in await asyncio.gather(*tasks)] == ["1", "2", "3"]
    assert desk.sizes == [3]
    await asyncio.wait([taken_back])
    await settled()
    desk.check_nothing_is_left()


async def test_run_that_is_cancelled_before_it_began() -> None:
    """As by a loop that is being closed: who waits hears of it."""
    desk = Desk()
    task = desk.update(1)
    await asyncio.sleep(0)
    [run] = desk.boxes._desk.tasks
    run.cancel()
    error = await fails(RecordError, task)
    assert (error.category, str(error)) == (
        "NOT_SENT",
        "NOT_SENT: not sent: the client was cancelled",
    )
    assert (await desk.update(1)).id == "1"


async def test_run_that_is_cancelled_under_way() -> None:
    desk = Desk(latency=(5, 5), workers=1)
    sent = desk.update(1)
    await asyncio.sleep(1)
    held = desk.update(1)
    await asyncio.sleep(1)
    [run] = desk.boxes._desk.tasks
    run.cancel()
    late = desk.update(2)
    await fails(OutcomeUnknown, sent)
    for task in (held, late):
        assert (await fails(RecordError, task)).category == "NOT_SENT"
    await settled()
    desk.check_nothing_is_left()


async def test_loop_that_ends_with_calls_under_way() -> None:
    """Everything is cancelled at once, as `asyncio.run` does when it is interrupted."""
    desk = Desk(latency=(5, 5), workers=1)
    tasks = [desk.update(n) for n in range(1, 300)]
    await asyncio.sleep(1)
    for task in asyncio.all_tasks() - {asyncio.current_task()}:
        task.cancel()
    await asyncio.wait(tasks)
    assert all(task.cancelled() for task in tasks)
    await settled()
    desk.check_nothing_is_left()


# ---- what it keeps


async def test_run_has_nobody_s_context() -> None:
    variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable")
    seen: list[str] = []

    async def token() -> str:
        seen.append(variable.get("none"))
        return SECRET

    desk = Desk(token=token)
    variable.set("the caller's")
    desk.engine.gate.hold(10)
    tasks = [desk.update(1, f"v{n}") for n in range(4)]
    await asyncio.sleep(1)
    # What follows a call that was withdrawn starts in the run's context as well.
    tasks[0].cancel()
    await asyncio.wait(tasks)
    assert {*seen} == {"none"}


async def test_nothing_is_left_behind_by_many_accounts() -> None:
    kept: list[weakref.ref[Any]] = []

    async def use() -> None:
        desk = Desk(latency=(0, 0))
        kept.extend(map(weakref.ref, (desk.boxes, desk.engine)))
        reads = [
            desk.ask(
                look_up(
                    "objects", "read", "tickets", api_version="v3", properties=(name,)
                ),
                1,
            )
            for name in "abcde"
        ]
        more = [
            desk.update(1),
            desk.create("v"),
            desk.ask(UPSERT, {"id": "r1", "properties": {"value": "v"}}),
            desk.ask(ARCHIVE, 9),
            desk.read(404),
        ]
        ends = await asyncio.gather(*reads, *more, return_exceptions=True)
        assert [type(end) for end in ends if isinstance(end, HubBatchError)] == [
            RecordNotFound
        ]
        await asyncio.sleep(1)
        assert desk.boxes._desk.open == {}

    for _ in range(300):
        await use()
    assert len(asyncio.all_tasks()) == 1
    gc.collect()
    assert [ref for ref in kept if ref() is not None] == []

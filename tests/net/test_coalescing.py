"""Single calls: which share a request, and what each caller gets."""

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
from hubbatch._net.batch import Batch
from hubbatch._net.coalescing import CallBatchers
from hubbatch._outcomes import ledger
from hubbatch._wire.calls import Encoded, Encoder
from hubbatch._wire.endpoints import Operation, operation_for
from hubbatch._wire.inputs import encoder
from tests.net.crm import (
    SECRET,
    UNAUTHORIZED,
    Crm,
    client_state,
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


class SingleCalls:
    """Single calls to a scripted HubSpot, as tasks."""

    def __init__(self, *script: Any, **options: Any) -> None:
        crm_options = {
            name: options.pop(name)
            for name in ("latency", "traced", "echoes", "always")
            if name in options
        }
        self.crm = Crm(script=[*script], **crm_options)
        self.crm.fill(200)
        self.state = client_state(self.crm, **options)
        self.batchers = CallBatchers(self.state)

    def call(self, call: Operation, item: Any) -> "asyncio.Task[Any]":
        return asyncio.create_task(self.batchers.call(call, item))

    def update(self, number: int, value: str = "v") -> "asyncio.Task[Any]":
        item = {"id": str(number), "properties": {"value": value}}
        return self.call(UPDATE, item)

    def create(self, value: str) -> "asyncio.Task[Any]":
        return self.call(CREATE, {"properties": {"value": value}})

    def read(self, number: int) -> "asyncio.Task[Any]":
        return self.call(READ, str(number))

    @property
    def sizes(self) -> list[int]:
        return [len(heard.inputs) for heard in self.crm.heard]

    def check_nothing_is_left(self) -> None:
        assert len(asyncio.all_tasks()) == 1
        assert self.batchers._pending.batchers == {}
        assert self.batchers._pending.tasks == set()
        assert self.batchers._pending.count == 0
        assert self.state._loop_use.active == 0
        assert self.state.gate.granted == len(self.crm.heard)


async def fails(kind: type[E], task: "asyncio.Task[Any]") -> E:
    with pytest.raises(kind) as caught:
        await task
    assert type(caught.value) is kind
    return caught.value


async def settled() -> None:
    """Let every task finish that can."""
    await asyncio.sleep(1_000)


# ---- shared requests


async def test_concurrent_calls_share_a_request() -> None:
    caller = SingleCalls()
    results = await asyncio.gather(*(caller.update(n, f"v{n}") for n in range(1, 61)))
    assert caller.sizes == [60]
    assert [result.id for result in results] == [str(n) for n in range(1, 61)]
    assert [result.properties["value"] for result in results] == [
        f"v{n}" for n in range(1, 61)
    ]
    await settled()
    caller.check_nothing_is_left()


async def test_a_lone_call_waits_three_milliseconds() -> None:
    caller = SingleCalls(latency=(0, 0))
    await caller.update(1)
    assert [round(heard.at, 4) for heard in caller.crm.heard] == [0.003]


async def test_a_full_chunk_is_sent_at_once() -> None:
    caller = SingleCalls(latency=(0, 0))
    await asyncio.gather(*(caller.update(n) for n in range(1, 121)))
    assert caller.sizes == [100, 20]
    assert round(caller.crm.heard[0].at, 4) == 0.0


async def test_chunks_grow_while_requests_are_held() -> None:
    caller = SingleCalls(rate_limit=RateLimit(1, interval=5.0, burst=1))
    tasks = []
    for number in range(1, 42):
        tasks.append(caller.update(number))
        await asyncio.sleep(0.1)
    await asyncio.gather(*tasks)
    assert caller.sizes == [1, 40]


async def test_partial_requests_are_spaced_evenly() -> None:
    """Small requests in one second must not use the limit of the next nine."""
    caller = SingleCalls(rate_limit=RateLimit.professional(), latency=(0, 0))
    tasks = []
    for number in range(400):
        tasks.append(caller.update(number % 200 + 1))
        await asyncio.sleep(0.005)
    await asyncio.gather(*tasks)
    times = [heard.at for heard in caller.crm.heard]
    assert 5 + 36 <= len(times) <= 5 + 39
    assert round(times[3] - times[2], 3) <= 0.01
    assert {round(two - one, 3) for one, two in pairwise(times[5:])} <= {0.053, 0.054}


async def test_full_chunks_are_not_spaced() -> None:
    caller = SingleCalls(rate_limit=RateLimit.professional(), latency=(0, 0))
    for _ in range(20):
        await asyncio.gather(*(caller.update(n) for n in range(1, 101)))
    assert caller.sizes == [100] * 20
    assert asyncio.get_running_loop().time() < 0.1


async def test_single_calls_are_sent_before_bulk_chunks() -> None:
    caller = SingleCalls(rate_limit=RateLimit(1, interval=5.0, burst=1))
    bulk: Any = Batch(caller.state, operation("archive", max_inputs=1), range(1, 7))
    migration = asyncio.create_task(bulk)
    await asyncio.sleep(1)
    await caller.update(9)
    assert [heard.verb for heard in caller.crm.heard] == ["archive", "update"]
    await migration


async def test_different_operations_do_not_share_a_request() -> None:
    caller = SingleCalls()
    by_ref = operation("update", id_property="ref")
    item = {"id": "r5", "properties": {"value": "v"}}
    created, read, updated, also, upserted, archived = await asyncio.gather(
        caller.create("v"),
        caller.read(1),
        caller.update(2),
        caller.call(by_ref, item),
        caller.call(UPSERT, {"id": "new", "properties": {"value": "v"}}),
        caller.call(ARCHIVE, 3),
    )
    assert sorted(heard.verb for heard in caller.crm.heard) == [
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
    assert caller.crm.archived == {"3"}


async def test_equal_reads_share_an_input_until_it_is_sent() -> None:
    caller = SingleCalls(latency=(1, 1))
    first, second = caller.read(1), caller.read(1)
    await asyncio.sleep(0.1)
    assert caller.sizes == [1]
    third = caller.read(1)  # joining the request in flight could miss the write
    one, two, three = await asyncio.gather(first, second, third)
    assert caller.sizes == [1, 1]
    assert one == two == three
    one.properties["value"] = "spoilt"
    assert two.properties["value"] == "old"
    await caller.read(1)
    assert caller.sizes == [1, 1, 1]


async def test_reads_of_different_properties_do_not_share_an_input() -> None:
    caller = SingleCalls()
    other = operation_for(
        "objects", "read", "tickets", api_version="v3", properties=("value",)
    )
    await asyncio.gather(caller.read(1), caller.call(other, "1"))
    asked = sorted(heard.body["properties"] for heard in caller.crm.heard)
    assert asked == [[], ["value"]]


async def test_writes_to_one_record_keep_their_order() -> None:
    caller = SingleCalls()
    await asyncio.gather(
        *(caller.update(1, f"v{n}") for n in range(5)), caller.update(2)
    )
    assert caller.sizes == [2, 1, 1, 1, 1]
    assert [value for key, value in caller.crm.writes if key[1] == "1"] == [
        f"v{n}" for n in range(5)
    ]
    assert caller.crm.overlaps == []


async def test_many_writes_to_one_record_do_not_delay_others() -> None:
    """More writes to one record than a batch would queue."""
    caller = SingleCalls(latency=(1, 1), workers=1)
    hot = [caller.update(1, f"v{n}") for n in range(300)]
    await caller.update(2)
    assert caller.crm.heard[0].ids == ["1", "2"]
    for task in hot:
        task.cancel()
    await asyncio.wait(hot)


# ---- results and errors


async def test_a_bad_record_does_not_affect_other_callers() -> None:
    caller = SingleCalls(traced=False)
    good = [caller.create(f"v{n}") for n in range(20)]
    bad = caller.create("bad one")
    error = await fails(RecordInvalid, bad)
    assert error.property_name == "value"
    assert len({(await task).id for task in good}) == 20


async def test_each_missing_record_has_its_own_error() -> None:
    """It does not name the records of other callers."""
    caller = SingleCalls()
    there = caller.read(1)
    missing = [caller.read(n) for n in (404, 405, 404)]
    errors = [await fails(RecordNotFound, task) for task in missing]
    assert [error.context for error in errors] == [
        {"ids": ["404"]},
        {"ids": ["405"]},
        {"ids": ["404"]},
    ]
    assert len({*map(id, errors)}) == 3
    assert (await there).id == "1"
    assert caller.sizes == [3]


async def test_a_conflict_names_the_record_with_the_value() -> None:
    taken = refusal(409, "Contact already exists. Existing ID: 77", "CONFLICT")
    error = await fails(RecordConflict, SingleCalls(taken).create("v"))
    assert error.existing_id == "77"


async def test_a_create_whose_answer_is_lost_is_unknown_and_not_retried() -> None:
    caller = SingleCalls("dropped after")
    errors = [
        await fails(OutcomeUnknown, task)
        for task in [caller.create("v1"), caller.create("v2")]
    ]
    assert errors[0] is not errors[1]
    assert errors[0].category == "OUTCOME_UNKNOWN"
    assert len(caller.crm.heard) == 1


async def test_results_of_indistinguishable_creates_are_not_guessed() -> None:
    caller = SingleCalls(echoes=False)
    alike = [caller.create("v"), caller.create("v")]
    other = caller.create("w")
    for task in alike:
        error = await fails(OutcomeUnknown, task)
        assert "HubSpot has written it" in str(error)
    assert (await other).properties["value"] == "w"


async def test_an_invalid_input_fails_its_call() -> None:
    caller = SingleCalls()
    naive = caller.call(UPDATE, {"id": "1", "properties": {"value": float("nan")}})
    nameless = caller.call(READ, "1.0")
    error = await fails(RecordInvalid, naive)
    assert (error.property_name, error.origin) == ("value", "hubbatch")
    await fails(RecordInvalid, nameless)
    assert caller.crm.heard == []
    await settled()
    caller.check_nothing_is_left()


async def test_each_caller_gets_a_copy_of_the_error_that_ends_a_run() -> None:
    caller = SingleCalls(UNAUTHORIZED, rate_limit=RateLimit(1, interval=5.0, burst=1))
    errors = [
        await fails(AuthenticationError, task)
        for task in [caller.update(n) for n in range(1, 131)]
    ]
    assert len({*map(id, errors)}) == 130
    assert {error.status for error in errors} == {401}
    assert SECRET not in repr(pickle.dumps(errors[0]))
    # The next calls are not affected.
    assert (await caller.update(1)).id == "1"
    await settled()
    caller.check_nothing_is_left()


async def test_a_write_that_may_have_arrived_is_not_reported_as_refused() -> None:
    """The write may have arrived before the token was refused."""
    caller = SingleCalls("502 after", UNAUTHORIZED)
    error = await fails(OutcomeUnknown, caller.update(1))
    assert isinstance(error.__cause__, AuthenticationError)


async def test_calls_succeed_once_hubspot_is_up_again() -> None:
    caller = SingleCalls(
        *[page(502)] * 3,
        policy=RetryPolicy(attempts=1),
        rate_limit=RateLimit(1, interval=10, burst=1),
    )
    tasks = [caller.update(n) for n in range(1, 351)]
    for task in tasks[:300]:
        await fails(OutcomeUnknown, task)
    for task in tasks[300:]:
        await fails(HubSpotUnavailable, task)
    assert (await caller.update(1)).id == "1"


async def test_a_call_without_a_permit_is_not_sent() -> None:
    policy = RetryPolicy(max_elapsed=20)
    caller = SingleCalls(policy=policy, always=throttled())
    error = await fails(HubSpotUnavailable, caller.update(1))
    assert (error.status, error.maybe_written) == (429, False)


async def test_a_call_without_retries_left_raises_hubspot_unavailable() -> None:
    """A read, or a write that never arrived: nothing was written."""
    answer = refusal(503, "Down.", "INTERNAL_ERROR")
    policy = RetryPolicy(attempts=2)
    caller = SingleCalls(always=answer, policy=policy)
    error = await fails(HubSpotUnavailable, caller.read(1))
    correlation_id = orjson.loads(answer.body)["correlationId"]
    assert (error.status, error.category, error.correlation_id) == (
        503,
        "INTERNAL_ERROR",
        correlation_id,
    )
    assert error.message == "Down."
    assert error.advice == (
        "No request got a usable answer from HubSpot. Try again later."
    )
    nobody = SingleCalls(always="refused", policy=policy)
    for task in (nobody.create("v"), nobody.update(1), nobody.read(2)):
        error = await fails(HubSpotUnavailable, task)
        assert (error.status, error.maybe_written) == (None, False)


async def test_the_advice_in_an_error_is_about_the_callers_own_record() -> None:
    """Three chunks are exhausted: some may be written, this one is not."""
    caller = SingleCalls(
        always="502 after",
        policy=RetryPolicy(attempts=1),
        rate_limit=RateLimit(1, interval=10, burst=1),
    )
    tasks = [caller.update(n) for n in range(1, 351)]
    errors = await asyncio.gather(*tasks, return_exceptions=True)
    kinds = {type(error) for error in errors}
    assert kinds == {OutcomeUnknown, HubSpotUnavailable}
    for error in errors:
        if isinstance(error, HubSpotUnavailable):
            assert not error.maybe_written
            assert error.advice.endswith("Try again later.")


async def test_an_exception_of_the_token_callable_is_the_cause() -> None:
    vault = PermissionError("the vault is shut")

    async def token() -> str:
        raise vault

    caller = SingleCalls(token=token)
    errors = [await fails(RecordError, caller.update(n)) for n in (1, 2)]
    assert [error.category for error in errors] == ["NOT_SENT"] * 2
    assert [error.__cause__ for error in errors] == [vault] * 2


async def test_calls_made_while_a_run_ends_keep_the_order_of_writes() -> None:
    """The next run starts when every call of the one before has its outcome."""
    caller = SingleCalls(latency=(2, 2))
    first = caller.update(1, "v1")
    await asyncio.sleep(0.5)
    caller.crm.latency = (0.1, 0.1)
    caller.crm.script = [refusal(403, "no scope", "MISSING_SCOPES")]
    await fails(PermissionDeniedError, caller.update(2))
    assert not first.done()
    third = caller.update(1, "v3")
    assert (await first).properties["value"] == "v1"
    assert (await third).properties["value"] == "v3"
    assert caller.crm.overlaps == []
    assert [value for _, value in caller.crm.writes] == ["v1", "v3"]


# ---- cancelled callers


async def test_a_call_cancelled_before_its_turn_is_not_sent() -> None:
    caller = SingleCalls()
    caller.state.gate.hold(10)
    kept, gone = caller.update(1), caller.update(2)
    await asyncio.sleep(5)
    gone.cancel()
    await kept
    assert [heard.ids for heard in caller.crm.heard] == [["1"]]
    assert gone.cancelled()


async def test_a_call_cancelled_at_once_is_not_sent() -> None:
    caller = SingleCalls()
    tasks = [caller.update(1), caller.update(2)]
    await asyncio.sleep(0)
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
    await settled()
    assert caller.crm.heard == []
    assert caller.state.gate.granted == 0
    caller.check_nothing_is_left()


async def test_all_callers_are_cancelled_while_waiting_for_a_permit() -> None:
    """No permit is waited for any more, and nothing is left."""
    caller = SingleCalls()
    caller.state.gate.hold(100)
    tasks = [caller.update(n % 150 + 1) for n in range(2_000)]
    tasks += [caller.read(n % 5 + 1) for n in range(2_000)]
    tasks += [caller.create(f"v{n}") for n in range(2_000)]
    await asyncio.sleep(50)
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
    await asyncio.sleep(1)
    caller.check_nothing_is_left()
    assert caller.crm.heard == []


async def test_the_next_write_follows_a_withdrawn_one() -> None:
    caller = SingleCalls()
    caller.state.gate.hold(10)
    tasks = [caller.update(1, f"v{n}") for n in range(4)]
    await asyncio.sleep(1)
    tasks[0].cancel()
    tasks[2].cancel()
    await asyncio.wait(tasks)
    assert [value for _, value in caller.crm.writes] == ["v1", "v3"]


async def test_a_shared_read_is_sent_for_the_remaining_caller() -> None:
    caller = SingleCalls()
    caller.state.gate.hold(10)
    gone, stays = caller.read(1), caller.read(1)
    await asyncio.sleep(1)
    gone.cancel()
    assert (await stays).id == "1"
    assert caller.sizes == [1]


async def test_a_call_cancelled_after_it_was_sent_is_written() -> None:
    caller = SingleCalls(latency=(5, 5))
    gone = caller.update(1, "v1")
    await asyncio.sleep(1)
    gone.cancel()
    await asyncio.wait([gone])
    await caller.state.aclose()  # waits for it
    assert [value for _, value in caller.crm.writes] == ["v1"]
    await settled()
    caller.check_nothing_is_left()


async def test_a_refusal_of_a_cancelled_call_is_not_reported_by_asyncio(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caller = SingleCalls(latency=(5, 5))
    gone = caller.read(404)
    await asyncio.sleep(1)
    gone.cancel()
    await settled()
    gc.collect()
    assert caplog.records == []


async def test_cancelling_the_first_caller_does_not_cancel_the_run() -> None:
    caller = SingleCalls(latency=(5, 5))
    starter = caller.update(1)
    await asyncio.sleep(0.001)
    rider = caller.update(2)
    await asyncio.sleep(1)
    starter.cancel()
    assert (await rider).id == "2"
    assert [heard.ids for heard in caller.crm.heard] == [["1", "2"]]


async def test_a_cancelled_call_whose_input_was_mutated_is_withdrawn() -> None:
    caller = SingleCalls()
    caller.state.gate.hold(10)
    item: dict[str, Any] = {"id": "1", "properties": {"value": "v1"}}
    gone = caller.call(UPDATE, item)
    await asyncio.sleep(1)
    item["properties"]["value"] = float("nan")
    gone.cancel()
    await settled()
    assert caller.crm.heard == []
    caller.check_nothing_is_left()


async def test_cancelled_calls_are_not_encoded_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    encoded = []

    def counting(operation: Operation) -> Encoder:
        encode = encoder(operation)

        def counted(index: int, item: object) -> Encoded:
            encoded.append(index)
            return encode(index, item)

        return counted

    monkeypatch.setattr(ledger, "encoder", counting)
    monkeypatch.setattr(ledger, "block_encoder", lambda _: lambda *_: None)
    caller = SingleCalls()
    caller.state.gate.hold(10)
    calls = [caller.update(number) for number in range(1, 200)]
    await asyncio.sleep(1)
    assert len(encoded) == 199
    for call in calls:
        call.cancel()
    await settled()
    assert len(encoded) == 199
    assert caller.crm.heard == []
    caller.check_nothing_is_left()


async def test_the_first_answer_of_a_call_is_kept() -> None:
    """A chunk that is dropped while its outcomes are recorded reports them again."""
    caller = SingleCalls()
    task = caller.update(1)
    await asyncio.sleep(0.001)
    [batcher] = caller.batchers._pending.batchers.values()
    batcher._settle(0, "first")
    batcher._settle(0, "second")
    assert await task == "first"
    await settled()
    caller.check_nothing_is_left()


# ---- max_pending


async def test_calls_above_max_pending_are_refused_at_once() -> None:
    """All operations count together; cancelled calls do not count."""
    caller = SingleCalls()
    caller.batchers.max_pending = 3
    caller.state.gate.hold(10)
    waiting = [caller.update(1), caller.read(1), caller.create("v")]
    await asyncio.sleep(1)
    error = await fails(OverloadedError, caller.update(2))
    assert str(error) == (
        "3 single calls are waiting already; this one was not sent. Send it again "
        "later, or raise max_pending."
    )
    assert str(pickle.loads(pickle.dumps(error))) == str(error)  # noqa: S301 -- our own
    assert asyncio.get_running_loop().time() < 2
    waiting.pop().cancel()
    await asyncio.sleep(0)
    assert (await caller.update(2)).id == "2"
    await asyncio.gather(*waiting)


# ---- closing and cancellation


async def test_closing_answers_every_call() -> None:
    caller = SingleCalls()
    caller.state.gate.hold(10)
    tasks = [caller.update(n) for n in range(1, 151)] + [caller.read(1)]
    await asyncio.sleep(0)
    closing = asyncio.create_task(caller.state.aclose())
    await asyncio.sleep(1)
    with pytest.raises(RuntimeError, match="This client is closed"):
        await caller.update(1)
    await closing
    assert caller.crm.closed
    assert all(task.done() for task in tasks)
    assert len({result.id for result in await asyncio.gather(*tasks)}) == 150


async def test_calls_work_with_eager_tasks() -> None:
    """From Python 3.12 on; in 3.11 a task starts in the next iteration of the loop."""
    eager: Any = getattr(asyncio, "eager_task_factory", None)
    asyncio.get_running_loop().set_task_factory(eager)
    caller = SingleCalls()
    tasks = [caller.update(n) for n in range(1, 4)]
    taken_back = caller.update(4)
    taken_back.cancel()
    assert [result.id for result in await asyncio.gather(*tasks)] == ["1", "2", "3"]
    assert caller.sizes == [3]
    await asyncio.wait([taken_back])
    await settled()
    caller.check_nothing_is_left()


async def test_cancelling_a_run_before_it_starts_answers_its_callers() -> None:
    """As when a loop is closed: the callers get an error."""
    caller = SingleCalls()
    task = caller.update(1)
    await asyncio.sleep(0)
    [run] = caller.batchers._pending.tasks
    run.cancel()
    error = await fails(RecordError, task)
    assert (error.category, str(error)) == (
        "NOT_SENT",
        "NOT_SENT: the client was cancelled.",
    )
    assert (await caller.update(1)).id == "1"


async def test_cancelling_a_run_answers_its_callers() -> None:
    caller = SingleCalls(latency=(5, 5), workers=1)
    sent = caller.update(1)
    await asyncio.sleep(1)
    held = caller.update(1)
    await asyncio.sleep(1)
    [run] = caller.batchers._pending.tasks
    run.cancel()
    late = caller.update(2)
    await fails(OutcomeUnknown, sent)
    for task in (held, late):
        assert (await fails(RecordError, task)).category == "NOT_SENT"
    await settled()
    caller.check_nothing_is_left()


async def test_all_tasks_are_cancelled_while_calls_wait() -> None:
    """As `asyncio.run` does when it is interrupted."""
    caller = SingleCalls(latency=(5, 5), workers=1)
    tasks = [caller.update(n) for n in range(1, 300)]
    await asyncio.sleep(1)
    for task in asyncio.all_tasks() - {asyncio.current_task()}:
        task.cancel()
    await asyncio.wait(tasks)
    assert all(task.cancelled() for task in tasks)
    await settled()
    caller.check_nothing_is_left()


# ---- contexts and memory


async def test_runs_do_not_see_a_callers_context() -> None:
    variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable")
    seen: list[str] = []

    async def token() -> str:
        seen.append(variable.get("none"))
        return SECRET

    caller = SingleCalls(token=token)
    variable.set("the caller's")
    caller.state.gate.hold(10)
    tasks = [caller.update(1, f"v{n}") for n in range(4)]
    await asyncio.sleep(1)
    # A task that starts because a call was withdrawn has the run's context too.
    tasks[0].cancel()
    await asyncio.wait(tasks)
    assert {*seen} == {"none"}


async def test_unused_batchers_are_freed() -> None:
    kept: list[weakref.ref[Any]] = []

    async def use() -> None:
        caller = SingleCalls(latency=(0, 0))
        kept.extend(map(weakref.ref, (caller.batchers, caller.state)))
        reads = [
            caller.call(
                operation_for(
                    "objects", "read", "tickets", api_version="v3", properties=(name,)
                ),
                1,
            )
            for name in "abcde"
        ]
        more = [
            caller.update(1),
            caller.create("v"),
            caller.call(UPSERT, {"id": "r1", "properties": {"value": "v"}}),
            caller.call(ARCHIVE, 9),
            caller.read(404),
        ]
        ends = await asyncio.gather(*reads, *more, return_exceptions=True)
        assert [type(end) for end in ends if isinstance(end, HubBatchError)] == [
            RecordNotFound
        ]
        await asyncio.sleep(1)
        assert caller.batchers._pending.batchers == {}

    for _ in range(300):
        await use()
    assert len(asyncio.all_tasks()) == 1
    gc.collect()
    assert [ref for ref in kept if ref() is not None] == []

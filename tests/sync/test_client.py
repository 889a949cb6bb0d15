"""The client for code without asyncio, on real sockets."""

import asyncio
import gc
import threading
import warnings

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest

from hubbatch import (
    AuthenticationError,
    ConfigurationError,
    Event,
    HubBatch,
    OutcomeStatus,
    RecordNotFound,
)
from hubbatch.jobs import Export, Job
from hubbatch.simulator import Fault, Simulator
from hubbatch.sync import SyncHubBatch


def renamed(ids: list[str]) -> list[dict[str, Any]]:
    return [{"id": id_, "properties": {"subject": "new"}} for id_ in ids]


def test_an_update_returns_one_response(hub: SyncHubBatch, ids: list[str]) -> None:
    response = hub.tickets.update(renamed(ids))

    assert response.ok
    assert response.succeeded == 250
    assert repr(response) == "<CombinedResponse of 250 inputs: 250 succeeded>"


def test_a_stream_returns_outcomes_as_they_become_known(
    hub: SyncHubBatch, ids: list[str]
) -> None:
    with hub.tickets.stream.update(renamed([*ids, "7"])) as outcomes:
        known = [*outcomes]

    assert len(known) == outcomes.summary.inputs == 251
    assert [one.status for one in known].count(OutcomeStatus.SUCCEEDED) == 250
    assert [type(one.error) for one in known if one.error] == [RecordNotFound]


def test_a_block_that_is_left_cancels_the_stream(
    hub: SyncHubBatch, hubspot_simulator: Simulator, ids: list[str]
) -> None:
    taken = []

    def endless() -> Iterator[str]:
        while True:
            taken.append(ids[0])
            yield ids[0]

    with hub.tickets.stream.read(endless()) as outcomes:
        for _ in outcomes:
            break
    sent = len(hubspot_simulator.requests)

    assert not hub.run(_is_active)
    assert next(outcomes, None) is None
    assert len(hubspot_simulator.requests) == sent


async def _is_active(hub: HubBatch) -> bool:
    return hub._state.active


def test_a_stream_keeps_few_inputs_in_memory(hub: SyncHubBatch, ids: list[str]) -> None:
    """The source is read while the consumer asks for outcomes, and not far ahead."""
    taken = known = furthest = 0

    def inputs() -> Iterator[str]:
        nonlocal taken
        for _ in range(40):
            for id_ in ids:
                taken += 1
                yield id_

    with hub.tickets.stream.read(inputs()) as outcomes:
        for _ in outcomes:
            known += 1
            furthest = max(furthest, taken - known)

    assert known == taken == 10_000
    assert furthest < 5_000


def test_a_stream_must_be_entered(hub: SyncHubBatch) -> None:
    stream = hub.tickets.stream.read(["1"])

    with pytest.raises(RuntimeError, match=r"not entered. Write `with \.\.\. as"):
        next(stream)
    assert repr(stream) == "<SyncStream tickets.read>"
    with stream as outcomes:
        assert len([*outcomes]) == 1
    with pytest.raises(RuntimeError, match="used already"), stream:
        pass


def test_pages_and_records_are_plain_iterators(
    hub: SyncHubBatch, ids: list[str]
) -> None:
    @dataclass
    class Ticket:
        id: str
        subject: str

    assert [record.id for record in hub.tickets.list()] == sorted(ids, key=int)
    assert {one.subject for one in hub.tickets.list(into=Ticket)} == {"old"}
    assert [len(page.records) for page in hub.tickets.pages()] == [100, 100, 50]


def test_a_search_feeds_a_verb(hub: SyncHubBatch, ids: list[str]) -> None:
    found = hub.tickets.search({"subject": "old"}, properties=["subject"])
    response = hub.tickets.update(
        {"id": ticket.id, "subject": f"{ticket.properties['subject']}!"}
        for ticket in found
    )
    assert (response.ok, response.succeeded) == (True, 250)
    assert {each.id for each in response.results} == {*ids}
    assert hub.tickets.count({"subject": "old"}) == 0
    assert hub.tickets.count({"subject": "old!"}) == 250
    assert [len(page.records) for page in hub.tickets.search_pages()] == [200, 50]


def test_an_iterator_that_is_dropped_leaves_nothing_running(
    hub: SyncHubBatch, hubspot_simulator: Simulator, ids: list[str]
) -> None:
    for record in hub.tickets.list():
        assert record.id == min(ids, key=int)
        break
    hub.account()

    assert len(hubspot_simulator.requests) == 2
    assert not hub.run(_is_active)


def test_single_calls_raise_the_error_of_their_record(
    hub: SyncHubBatch, ids: list[str]
) -> None:
    assert hub.single.tickets.read(ids[0]).properties["subject"] == "old"
    with pytest.raises(RecordNotFound):
        hub.single.tickets.update("7", {"subject": "new"})
    hub.single.max_pending = 7
    assert hub.single.max_pending == 7
    with pytest.raises(ConfigurationError, match="max_pending"):
        hub.single.max_pending = 0


def test_what_the_client_knows_can_be_read(hub: SyncHubBatch) -> None:
    assert hub.account().portal_id == 62515
    assert hub.plan("tickets.update", 5_000).calls == 50
    assert hub.limits.used == 1


def test_jobs_and_other_async_functions_run_too(
    hub: SyncHubBatch, ids: list[str]
) -> None:
    async def both(client: HubBatch) -> list[int]:
        read = client.tickets.read(ids)
        responses = await asyncio.gather(read, client.tickets.read(ids[:3]))
        return [response.succeeded for response in responses]

    report = hub.run(lambda client: Job(client, "read", "tickets", ids[:5]).run())

    assert hub.run(both) == [250, 3]
    assert report.ended == "finished"


def test_what_is_no_async_function_is_refused(hub: SyncHubBatch) -> None:
    run: Any = hub.run
    with pytest.raises(TypeError, match="missing 3 required positional arg"):
        run(Job)
    with pytest.raises(TypeError, match=r"must be async.*; it returned int\."):
        run(lambda _hub: 5)
    with pytest.raises(TypeError, match=r"takes an async function.*not Account\."):
        run(hub.account())
    with pytest.raises(ZeroDivisionError):
        run(lambda _hub: 1 // 0)

    assert hub.account().portal_id == 62515


def test_an_exit_is_raised_by_its_call(hub: SyncHubBatch) -> None:
    """It must not end the event loop, in which other threads have calls."""

    async def leave(_hub: HubBatch) -> None:
        raise SystemExit(3)

    with pytest.raises(SystemExit):
        hub.run(leave)

    assert hub.account().portal_id == 62515


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_call_ends_when_its_event_loop_does(
    hubspot_simulator: Simulator, ids: list[str]
) -> None:
    """Another task's SystemExit ends the loop before anything can be cancelled."""

    def leave() -> None:
        raise SystemExit(3)

    async def wait(_hub: HubBatch) -> None:
        loop = asyncio.get_running_loop()
        loop.call_soon(leave)
        await loop.create_future()

    hub = HubBatch.sync(hubspot_simulator.token, base_url=hubspot_simulator.url)
    background = hub._runtime.open()
    with pytest.raises(asyncio.CancelledError):
        hub.run(wait)
    background._thread.join()
    with pytest.raises(RuntimeError, match="This client is closed"):
        hub.tickets.read(ids)
    hub._runtime.stop()


@pytest.mark.parametrize(
    "refused", ["asyncio.new_event_loop", "threading.Thread.start"]
)
def test_an_event_loop_that_cannot_start_is_an_error(
    refused: str, hub: SyncHubBatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError("too many open files")

    with monkeypatch.context() as patched:
        patched.setattr(refused, fail)
        with pytest.raises(OSError, match="too many open files"):
            hub.account()

    assert hub.account().portal_id == 62515


def test_a_job_for_the_client_without_asyncio_is_refused(hub: SyncHubBatch) -> None:
    client: Any = hub
    with pytest.raises(TypeError, match=r"hub\.run\(lambda hub: Job\(hub, "):
        Job(client, "read", "tickets", ["1"])
    with pytest.raises(TypeError, match=r"hub\.run\(lambda hub: Export\(hub, "):
        Export(client, "tickets", "tickets.csv")


async def test_entering_it_with_async_with_is_explained(hub: SyncHubBatch) -> None:
    client: Any = hub
    with pytest.raises(TypeError, match=r"Write `with HubBatch\.sync\(\) as hub:`"):
        async with client:
            pass


def test_wrong_arguments_are_refused_by_the_call(hub: SyncHubBatch) -> None:
    with pytest.raises(TypeError, match="Put it into a list"):
        hub.tickets.read("7")
    with pytest.raises(TypeError, match="unexpected keyword argument 'maximum'"):
        hub.tickets.read(["7"], maximum=3)  # type: ignore[call-overload] # the point
    with pytest.raises(ValueError, match="object"):
        hub.objects("a/b")
    with pytest.raises(ValueError, match="api_version"):
        hub.associations("contacts", "companies", api_version="v2")  # type: ignore[call-overload] # the point
    with pytest.raises(TypeError, match="property names"):
        hub.tickets.list(properties="subject")


def test_an_error_keeps_its_type_and_its_response(
    hubspot_simulator: Simulator,
) -> None:
    with (
        HubBatch.sync("wrong", base_url=hubspot_simulator.url) as hub,
        pytest.raises(AuthenticationError) as raised,
    ):
        hub.tickets.update(renamed(["1", "2"]))

    assert raised.value.response is not None
    assert len(raised.value.response.not_sent) == 2


def test_options_are_those_of_the_client(hubspot_simulator: Simulator) -> None:
    events: list[Event] = []
    sim = hubspot_simulator
    with HubBatch.sync(
        sim.token, base_url=sim.url, rate_limit=30, listeners=iter([events.append])
    ) as hub:
        hub.tickets.read(["1"])
        assert hub.limits.max_requests == 30

    assert events
    with pytest.raises(ConfigurationError, match="timeout"):
        HubBatch.sync(sim.token, timeout=-1)
    with pytest.raises(ConfigurationError, match="listeners"):
        HubBatch.sync(sim.token, listeners=print)  # type: ignore[arg-type] # the point


async def test_it_has_no_session(hubspot_simulator: Simulator) -> None:
    async with aiohttp.ClientSession() as session:
        with pytest.raises(ConfigurationError, match="takes no session"):
            HubBatch.sync(hubspot_simulator.token, session=session)


async def test_it_works_where_a_loop_is_running(
    hub: SyncHubBatch, ids: list[str]
) -> None:
    assert hub.tickets.read(ids).ok


def test_a_closed_client_refuses_calls(
    hubspot_simulator: Simulator, ids: list[str]
) -> None:
    sim = hubspot_simulator
    hub = HubBatch.sync(sim.token, base_url=sim.url)
    tickets, records = hub.tickets, hub.tickets.list()
    next(records)
    hub.close()
    hub.close()

    for call in (
        lambda: tickets.read(ids),
        lambda: tickets.stream.read(ids),
        lambda: hub.single.tickets.read(ids[0]),
        lambda: hub.limits,
        hub.tickets.list,
        lambda: next(records),
    ):
        with pytest.raises(RuntimeError, match="This client is closed"):
            call()


def test_a_client_that_is_not_used_starts_no_thread(
    hubspot_simulator: Simulator,
) -> None:
    before = threading.active_count()
    hub = HubBatch.sync(hubspot_simulator.token, base_url=hubspot_simulator.url)

    assert repr(hub.tickets) == "<SyncObjects 'tickets'>"
    assert repr(hub) == "<SyncHubBatch>"
    hub.close()
    assert threading.active_count() == before
    with pytest.raises(RuntimeError, match="This client is closed"):
        hub.tickets.read(["1"])


def test_a_client_that_is_not_closed_warns_and_stops_its_thread(
    hubspot_simulator: Simulator, ids: list[str]
) -> None:
    sim = hubspot_simulator
    hub = HubBatch.sync(sim.token, base_url=sim.url)
    hub.tickets.read(ids)
    thread = hub._runtime.open()._thread
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        del hub
        gc.collect()
    thread.join(10)

    assert [warning.category for warning in caught] == [ResourceWarning]
    assert "was not closed" in str(caught[0].message)
    assert not thread.is_alive()


def test_a_stream_or_an_iterator_keeps_its_client(
    hubspot_simulator: Simulator, ids: list[str]
) -> None:
    def client() -> SyncHubBatch:
        return HubBatch.sync(hubspot_simulator.token, base_url=hubspot_simulator.url)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        assert len([*client().tickets.list()]) == 250
        with client().tickets.stream.read(ids) as outcomes:
            assert len([*outcomes]) == 250
        del outcomes
        gc.collect()


def test_threads_share_a_client(
    hub: SyncHubBatch, hubspot_simulator: Simulator, ids: list[str]
) -> None:
    """Their single calls share requests, and their batches share the limit."""
    read = hub.single.tickets.read
    with ThreadPoolExecutor(20) as pool:
        batches = [pool.submit(hub.tickets.read, iter(ids)) for _ in range(5)]
        records = [*pool.map(read, ids)]

    assert [record.id for record in records] == ids
    assert all(batch.result().ok for batch in batches)
    assert len(hubspot_simulator.requests) < 200


def test_threads_share_a_stream(hub: SyncHubBatch, ids: list[str]) -> None:
    """Each outcome goes to one of them, and each of them sees the end."""

    def take(outcomes: Iterable[Any]) -> list[int]:
        return [outcome.index for outcome in outcomes]

    for number in range(6):
        source = iter(ids) if number % 2 else ids
        with (
            ThreadPoolExecutor(4) as threads,
            hub.tickets.stream.read(source) as outcomes,
        ):
            taken = [threads.submit(take, outcomes) for _ in range(4)]
            found = [index for one in taken for index in one.result(timeout=30)]
        assert sorted(found) == [*range(250)]


def test_a_thread_sees_the_end_of_a_stream_that_another_leaves(
    hub: SyncHubBatch,
) -> None:
    reading, left = threading.Event(), threading.Event()

    def slow() -> Iterator[Any]:
        reading.set()
        left.wait()
        yield {"properties": {}}

    with ThreadPoolExecutor(1) as threads:
        with hub, hub.tickets.stream.create(slow()) as outcomes:
            taken = threads.submit(list, outcomes)
            reading.wait()
        left.set()
        assert taken.result(timeout=30) == []
    assert [*outcomes] == []


def test_closing_waits_for_the_batches_of_other_threads(
    hubspot_simulator: Simulator, ids: list[str]
) -> None:
    sim = hubspot_simulator
    sent = threading.Event()
    sim.faults.add(Fault("delay", seconds=0.3))
    hub = HubBatch.sync(
        sim.token, base_url=sim.url, listeners=[lambda _event: sent.set()]
    )
    with ThreadPoolExecutor(1) as pool:
        batch = pool.submit(hub.tickets.read, ids)
        sent.wait()
        hub.close()

    assert batch.result().ok


def test_several_threads_may_close_a_client(
    hubspot_simulator: Simulator, ids: list[str]
) -> None:
    sim = hubspot_simulator
    hub = HubBatch.sync(sim.token, base_url=sim.url)
    assert hub.tickets.read(ids).ok
    with ThreadPoolExecutor(10) as pool:
        assert [*pool.map(lambda _: hub.close(), range(10))] == [None] * 10


def test_a_callback_that_calls_its_own_client_is_told_so(
    hubspot_simulator: Simulator, ids: list[str]
) -> None:
    sim = hubspot_simulator

    async def token() -> str:
        return hub.account().name  # type: ignore[attr-defined,no-any-return] # never

    hub = HubBatch.sync(token, base_url=sim.url)
    with hub, pytest.raises(RuntimeError, match="from its own event loop"):
        hub.tickets.read(ids)


CALLER = ContextVar("CALLER", default="nobody")


def test_a_batch_has_the_context_of_its_caller(
    hubspot_simulator: Simulator, ids: list[str]
) -> None:
    """So its spans are children of the caller's span."""
    seen = set()
    sim = hubspot_simulator
    with HubBatch.sync(
        sim.token, base_url=sim.url, listeners=[lambda _event: seen.add(CALLER.get())]
    ) as hub:
        CALLER.set("me")
        hub.tickets.read(ids)
        with hub.tickets.stream.read(ids) as outcomes:
            assert len([*outcomes]) == 250

    assert seen == {"me"}

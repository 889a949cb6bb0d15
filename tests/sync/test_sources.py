"""Iterators of inputs, which belong to the thread that calls the verb."""

import asyncio
import sqlite3
import threading
import traceback

from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from queue import SimpleQueue
from typing import Any

import pyarrow as pa  # type: ignore[import-untyped]
import pytest

from hubbatch import AuthenticationError, HubBatch
from hubbatch._net.source import SourceReader
from hubbatch.simulator import Simulator
from hubbatch.sync import SyncHubBatch
from hubbatch.sync._source import CallerSource, readable_from


def test_a_database_cursor_is_a_source(hub: SyncHubBatch, ids: list[str]) -> None:
    """SQLite refuses to be read by any thread but that of its connection."""
    with closing(sqlite3.connect(":memory:")) as database:
        database.execute("create table tickets (id)")
        database.executemany("insert into tickets values (?)", [[id_] for id_ in ids])
        cursor = database.execute("select id from tickets")

        assert hub.tickets.read(id_ for (id_,) in cursor).succeeded == 250
        cursor = database.execute("select id from tickets")
        with hub.tickets.stream.read(id_ for (id_,) in cursor) as outcomes:
            assert len([*outcomes]) == 250


class Rows:
    """A lazy collection that loads its rows where it is counted, as a queryset does."""

    def __init__(self, ids: list[str]) -> None:
        self.ids = ids
        self.loaded: list[str] | None = None
        self.threads: list[threading.Thread] = []

    def __len__(self) -> int:
        return len(self._load())

    def __iter__(self) -> Iterator[str]:
        return iter(self._load())

    def _load(self) -> list[str]:
        if self.loaded is None:
            self.threads.append(threading.current_thread())
            self.loaded = self.ids
        return self.loaded


def test_a_queryset_is_loaded_in_the_calling_thread(
    hub: SyncHubBatch, ids: list[str]
) -> None:
    for limit in (None, "5%"):
        rows = Rows(ids)

        assert hub.tickets.read(rows, max_failures=limit).ok
        assert rows.threads == [threading.current_thread()]


def test_collections_and_async_sources_are_passed_on_as_they_are() -> None:
    async def stream() -> AsyncIterator[str]:
        yield "1"

    class Table:
        def __arrow_c_stream__(self, _schema: object = None) -> object:
            return None

        def __iter__(self) -> Iterator[str]:
            raise NotImplementedError

    kept: list[Any] = [["1"], ("1",), {"1": 1}.keys(), stream(), Table(), "1", 7]
    for source in kept:
        assert readable_from(source, SimpleQueue()) is source
    for iterator in (iter(["1"]), (x for x in "1"), map(str, [1])):
        assert isinstance(readable_from(iterator, SimpleQueue()), CallerSource)


async def test_an_async_source_works_too(hub: SyncHubBatch, ids: list[str]) -> None:
    async def stream() -> AsyncIterator[str]:
        for id_ in ids:
            yield id_

    assert hub.tickets.read(stream()).succeeded == 250


def test_the_error_of_a_source_is_raised_with_its_own_traceback(
    hub: SyncHubBatch, ids: list[str]
) -> None:
    def broken() -> Iterator[str]:
        yield from ids
        raise LookupError("no more rows")

    with pytest.raises(LookupError, match="no more rows") as raised:
        hub.tickets.read(broken())
    frames = [frame.name for frame in traceback.extract_tb(raised.value.__traceback__)]
    response: Any = getattr(raised.value, "response", None)

    assert frames[-1] == "broken"
    assert len(frames) <= 5
    assert len(response.outcomes) == 250
    with (
        pytest.raises(LookupError),
        hub.tickets.stream.read(broken()) as outcomes,
    ):
        assert len([*outcomes]) == 250


def test_an_exception_that_takes_no_attributes_is_raised_as_it_is(
    hub: SyncHubBatch,
) -> None:
    class Bare(Exception):
        def __setattr__(self, name: str, value: object) -> None:
            raise AttributeError(name)

    def broken() -> Iterator[str]:
        yield "1"
        raise Bare

    with pytest.raises(Bare):
        hub.tickets.read(broken())


def test_a_slow_source_does_not_hold_back_its_first_inputs(
    hub: SyncHubBatch, hubspot_simulator: Simulator, ids: list[str]
) -> None:
    """Inputs that have arrived are sent while the next one takes its time."""
    known = threading.Semaphore(0)

    def slow() -> Iterator[str]:
        yield ids[0]
        yield ids[1]
        while len(hubspot_simulator.requests) < 1:
            known.acquire(timeout=0.01)
        yield ids[2]

    assert hub.tickets.read(slow()).succeeded == 3


def test_a_batch_that_ends_early_takes_nothing_more(
    hubspot_simulator: Simulator, ids: list[str]
) -> None:
    """Every input that was taken from the iterator has its outcome."""
    source = iter(ids * 40)
    with (
        HubBatch.sync("wrong", base_url=hubspot_simulator.url) as hub,
        pytest.raises(AuthenticationError) as raised,
    ):
        hub.tickets.read(source)
    response = raised.value.response
    assert response is not None
    left = len([*source])

    assert left > 0
    assert 0 <= 10_000 - left - len(response.outcomes) <= 1


def test_an_exhausted_iterator_is_an_empty_batch(hub: SyncHubBatch) -> None:
    response = hub.tickets.read(iter(()))

    assert repr(response) == "<CombinedResponse of 0 inputs: 0 succeeded>"


# ---- without threads, so that every order can be tried


@contextmanager
def reading(iterator: Iterator[Any]) -> Iterator[CallerSource]:
    """Read an iterator in a thread, as one that waits for its batch does."""
    inbox: SimpleQueue[Callable[[], None] | None] = SimpleQueue()

    def wait() -> None:
        while (step := inbox.get()) is not None:
            step()

    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(wait)
        yield CallerSource(iterator, inbox)  # type: ignore[arg-type] # None ends it
        inbox.put(None)
        waiting.result()


async def test_a_block_has_at_most_what_was_asked_for() -> None:
    with reading(iter(range(250))) as source:
        reader = SourceReader(source)
        blocks = [await reader.pull(limit) for limit in (100, 50, 100, 100, 100)]

        assert [len(block) for block in blocks] == [100, 50, 100, 0, 0]
        assert [*range(250)] == [one for block in blocks for one in block]
        assert reader.rest() == []


async def test_what_was_read_when_a_pull_is_cancelled_is_the_rest() -> None:
    blocked, go_on = threading.Event(), threading.Event()

    def slow() -> Iterator[int]:
        yield from range(3)
        blocked.set()
        go_on.wait()
        yield 3

    with reading(slow()) as source:
        # The first is taken as soon as it is there; the others may be by then.
        pull = asyncio.create_task(source.pull(100))
        await asyncio.to_thread(blocked.wait)
        pull.cancel()
        await asyncio.wait([pull])
        taken = [] if pull.cancelled() else pull.result()
        go_on.set()

        assert [*taken, *source.rest()][:3] == [0, 1, 2]


async def test_a_source_can_also_be_read_one_by_one() -> None:
    with reading(iter(range(3))) as source:
        assert [one async for one in source] == [0, 1, 2]


def test_a_table_is_a_source(hub: SyncHubBatch, ids: list[str]) -> None:
    table = pa.table({"id": ids, "subject": ["new"] * 250})

    assert hub.tickets.update(table).succeeded == 250
    with hub.tickets.stream.update(table) as outcomes:
        assert {outcome.status for outcome in outcomes} == {"succeeded"}

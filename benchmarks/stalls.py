"""The longest turn of the event loop: CPU of the process between two turns.

    python -m benchmarks stalls            lists of 1,000,000 inputs
    python -m benchmarks stalls --quick    lists of 100,000

A turn longer than 50 ms delays everything else in the loop: other requests, timers,
health checks. A transport that answers at once replaces HubSpot. It runs in the same
process, and up to 32 of its answers are decoded in one turn. The inputs are hidden from
the garbage collector (`gc.freeze`); it still visits everything else that is alive:
results that are kept, tasks that wait. The last column leaves out the time of the
collector. "Floor" is asyncio alone: the same number of tasks, each of which waits for a
future.
"""

import asyncio
import gc
import re
import selectors
import time

from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import orjson

from hubbatch import HubBatchError, RateLimit
from hubbatch._http import Answer, Request, Response
from hubbatch._net.auth import Credentials
from hubbatch._net.batch import Batch
from hubbatch._net.client_state import ClientState
from hubbatch._net.gate import Gate
from hubbatch._net.listeners import Listeners
from hubbatch._outcomes.retry import RetryPolicy
from hubbatch.objects import Objects
from hubbatch.single import Single

from .tables import Section, table
from .workers import call


STAMP = "2026-11-23T10:00:00.000Z"
WAYS_IN = ("create", "read", "update")
DOORS = ("collect", "stream")
# After how much of the list it is cancelled.
PLACES = {"at its start": 0.0, "half-way": 0.5, "near its end": 0.99}
Figures = tuple[float, float]

# Callers that begin or stop in one turn, where not all of them do at once.
AT_A_TIME = 500
COLUMNS = ("ms", "ms without the collector")


class Turns(selectors.DefaultSelector):
    """Measures what the process computes between two looks at its sockets."""

    def __init__(self) -> None:
        super().__init__()
        self.longest = self.own = 0.0
        self._since = self._collecting = time.process_time()
        self._collected = 0.0

    def begin(self) -> None:
        """Measure from now on."""
        self.longest = self.own = self._collected = 0.0
        self._since = time.process_time()

    def figures(self) -> "Figures":
        """Return the longest turn, and the longest without the collector, in ms."""
        return self.longest * 1000, self.own * 1000

    def note_collection(self, phase: str, _: object) -> None:
        """Measure the garbage collector."""
        if phase == "start":
            self._collecting = time.process_time()
        else:
            self._collected += time.process_time() - self._collecting

    def select(
        self, timeout: float | None = None
    ) -> list[tuple[selectors.SelectorKey, int]]:
        """Wait for sockets, which is no part of a turn."""
        turn = time.process_time() - self._since
        self.longest = max(self.longest, turn)
        self.own = max(self.own, turn - self._collected)
        ready = super().select(timeout)
        self._since, self._collected = time.process_time(), 0.0
        return ready


class Instant:
    """HubSpot without a network: everything succeeds at once, by default."""

    def __init__(self) -> None:
        self.status = 200
        self.after: tuple[int, Callable[[], object]] | None = None
        self.silent: asyncio.Event | None = None
        self.inputs = 0
        self._ids = 0

    async def send(self, request: Request, on_sent: Callable[[], None]) -> Answer:
        """Answer a request."""
        on_sent()
        given = orjson.loads(request.body)["inputs"]
        self.inputs += len(given)
        if self.after is not None and self.inputs >= self.after[0]:
            asyncio.get_running_loop().call_soon(self.after[1])
            self.after = None
        if self.silent is not None:
            await self.silent.wait()
        await asyncio.sleep(0)
        if self.status == 207:
            return Response(207, {}, _refusals(given))
        if self.status != 200:
            error = {"status": "error", "message": "No.", "category": "DENIED"}
            return Response(self.status, {}, orjson.dumps(error))
        envelope = {"status": "COMPLETE", "results": [*map(self._result, given)]}
        return Response(200, {}, orjson.dumps(envelope))

    def _result(self, given: dict[str, Any]) -> dict[str, Any]:
        self._ids += 1
        return {
            "id": given.get("id") or str(self._ids),
            "properties": given.get("properties", {}),
            "createdAt": STAMP,
            "updatedAt": STAMP,
            "archived": False,
            "objectWriteTraceId": given.get("objectWriteTraceId"),
        }

    def retire(self) -> None:
        """Do nothing: there are no connections."""

    async def aclose(self) -> None:
        """Do nothing: there are no connections."""


def _refusals(given: list[dict[str, Any]]) -> bytes:
    errors = [
        {
            "status": "error",
            "category": "VALIDATION_ERROR",
            "message": "No such property",
            "context": {"objectWriteTraceId": [one["objectWriteTraceId"]]},
        }
        for one in given
    ]
    envelope = {"status": "COMPLETE", "results": [], "errors": errors}
    return orjson.dumps({**envelope, "numErrors": len(errors)})


def client_state(transport: Instant) -> ClientState:
    """Return the state of a client, without a network."""
    return ClientState(
        gate=Gate(RateLimit(1_000_000_000, burst=1_000_000_000), 32),
        transport=transport,
        credentials=Credentials("token"),
        policy=RetryPolicy(),
        max_concurrency=32,
        listeners=Listeners(()),
    )


def inputs(verb: str, count: int) -> list[Any]:
    """Make a list of inputs."""
    match verb:
        case "read":
            return [str(10_000_000 + n) for n in range(count)]
        case "create":
            return [{"properties": {"subject": "s"}} for n in range(count)]
        case _:
            return [
                {"id": str(10_000_000 + n), "properties": {"subject": "s"}}
                for n in range(count)
            ]


async def use(door: str, batch: Batch[Any]) -> None:
    """Run a batch; what ends it early is expected."""
    with suppress(HubBatchError):
        if door == "collect":
            await batch
        else:
            async with batch as outcomes:
                async for _ in outcomes:
                    pass


async def leave(batch: Batch[Any]) -> None:
    """Break out of a stream after its first outcome."""
    async with batch as outcomes:
        async for _ in outcomes:
            break


async def until_cancelled(
    transport: Instant, at: int, running: Coroutine[Any, Any, None]
) -> None:
    """Cancel a batch when that many of its inputs have left."""
    task = asyncio.create_task(running)
    if at:
        transport.after = at, task.cancel
    else:
        asyncio.get_running_loop().call_later(0.01, task.cancel)
    await asyncio.wait([task])


async def until_timeout(running: Coroutine[Any, Any, None]) -> None:
    """Run a batch under a timeout that it exceeds."""
    with suppress(TimeoutError):
        async with asyncio.timeout(0.01):
            await running


# ---- single calls


async def start(
    count: int, at_a_time: int, call: Callable[[int], Coroutine[Any, Any, Any]]
) -> list[asyncio.Task[Any]]:
    """Start calls, some in each turn."""
    tasks = []
    for n in range(count):
        tasks.append(asyncio.create_task(call(n)))
        if n % at_a_time == 0:
            await asyncio.sleep(0)
    await asyncio.sleep(0)
    return tasks


async def stop(tasks: list[asyncio.Task[Any]], at_a_time: int) -> None:
    """Cancel calls, some in each turn."""
    for n, task in enumerate(tasks):
        task.cancel()
        if n % at_a_time == 0:
            await asyncio.sleep(0)
    await asyncio.wait(tasks[-1:])  # of all of them it would take a turn of its own


async def wait_for_nothing(_: int) -> None:
    """Do what asyncio does, and no more."""
    await asyncio.get_running_loop().create_future()


# ---- measuring


@contextmanager
def a_loop() -> Iterator[tuple[asyncio.Runner, Turns]]:
    """Make an event loop that measures its turns."""
    turns = Turns()
    gc.collect()
    gc.freeze()
    gc.callbacks.append(turns.note_collection)
    try:
        with asyncio.Runner(
            loop_factory=lambda: asyncio.SelectorEventLoop(turns)
        ) as runner:
            yield runner, turns
    finally:
        gc.callbacks.remove(turns.note_collection)
        gc.unfreeze()


def batch(verb: str, given: list[Any], **settings: Any) -> tuple[Instant, Batch[Any]]:
    """Make a batch over a list, and what answers it."""
    transport = Instant()
    for name, value in settings.items():
        setattr(transport, name, value)
    objects = Objects(client_state(transport), "tickets", api_version="v3")
    return transport, getattr(objects, verb)(given)


def of_batch(
    verb: str,
    given: list[Any],
    way: Callable[[Instant, Batch[Any]], Coroutine[Any, Any, None]],
    **settings: Any,
) -> Figures:
    """Measure the longest turn of one batch, in ms."""
    with a_loop() as (runner, turns):

        async def measured() -> Batch[Any]:
            transport, made = batch(verb, given, **settings)
            turns.begin()
            await way(transport, made)
            await asyncio.sleep(0)
            return made  # so that its memory is freed outside of the turns

        kept = runner.run(measured())
        longest = turns.figures()
    del kept
    return longest


def of_singles(count: int, at_a_time: int, *, sent: bool) -> dict[str, Figures]:
    """Measure single calls that are cancelled before, or after, they left."""
    with a_loop() as (runner, turns):

        async def measured() -> dict[str, Figures]:
            transport = Instant()
            transport.silent = asyncio.Event()
            own = client_state(transport)
            single = Single(own, api_version="v3")
            single.max_pending = count
            found = {}
            if not sent:
                own.gate.hold(3600.0)
            turns.begin()
            tasks = await start(
                count,
                at_a_time,
                lambda n: single.tickets.update(str(10_000_000 + n), {"subject": "s"}),
            )
            await asyncio.sleep(0.5)
            found["started"] = turns.figures()
            turns.begin()
            await stop(tasks, at_a_time)
            await asyncio.sleep(0.2)
            found["cancelled"] = turns.figures()
            transport.silent.set()
            turns.begin()
            await own.aclose()
            await asyncio.sleep(0)
            found["aclose"] = turns.figures()
            return found

        return runner.run(measured())


def of_nothing(count: int, at_a_time: int) -> dict[str, Figures]:
    """Measure what asyncio takes for as many tasks."""
    with a_loop() as (runner, turns):

        async def measured() -> dict[str, Figures]:
            found = {}
            turns.begin()
            tasks = await start(count, at_a_time, wait_for_nothing)
            found["started"] = turns.figures()
            turns.begin()
            await stop(tasks, at_a_time)
            found["cancelled"] = turns.figures()
            return found

        return runner.run(measured())


def of_cancellations(count: int) -> Iterator[tuple[str, Figures]]:
    """Measure batches that are cancelled."""
    for verb in WAYS_IN:
        given = inputs(verb, count)
        for door in DOORS:
            for place, share in PLACES.items():

                async def cancel(
                    transport: Instant,
                    made: Batch[Any],
                    door: str = door,
                    share: float = share,
                ) -> None:
                    at = int(count * share)
                    await until_cancelled(transport, at, use(door, made))

                name = f"cancel {door} of {count:,} {verb}s, {place}"
                yield name, of_batch(verb, given, cancel)


def of_early_ends(count: int) -> Iterator[tuple[str, Figures]]:
    """Measure batches that end for any other reason."""
    given = inputs("update", count)
    for door in DOORS:

        async def time_out(_: Instant, made: Batch[Any], door: str = door) -> None:
            await until_timeout(use(door, made))

        async def end(_: Instant, made: Batch[Any], door: str = door) -> None:
            await use(door, made)

        name = f"{door} of {count:,} updates"
        yield f"timeout of {name}", of_batch("update", given, time_out)
        yield f"401 at once, {name}", of_batch("update", given, end, status=401)
        yield f"403 at once, {name}", of_batch("update", given, end, status=403)
        yield f"TooManyFailures, {name}", of_batch("update", given, end, status=207)

    async def broken_off(_: Instant, made: Batch[Any]) -> None:
        await leave(made)

    name = f"break out of a stream of {count:,} updates"
    yield name, of_batch("update", given, broken_off)


def of_callers(singles: int) -> Iterator[tuple[str, Figures]]:
    """Measure single calls, and as many tasks that do nothing."""
    for at_a_time in (AT_A_TIME, singles):
        how = "at once" if at_a_time == singles else f"{at_a_time:,} a turn"
        for step, longest in of_nothing(singles, at_a_time).items():
            yield f"floor: {singles:,} tasks {step} {how}", longest
        for sent in (False, True):
            where = "in flight" if sent else "before they leave"
            found = of_singles(singles, at_a_time, sent=sent)
            closed = found.pop("aclose")
            for step, longest in found.items():
                yield f"{singles:,} single calls {step} {how}, {where}", longest
            yield f"aclose after these calls, {where}", closed


def rows(count: int, collected: int, singles: int) -> Iterator[tuple[str, Figures]]:
    """Measure all of it, one after another."""

    async def run(_: Instant, made: Batch[Any]) -> None:
        await use("collect", made)

    given = inputs("update", collected)
    yield f"collect {collected:,} updates", of_batch("update", given, run)
    yield from of_cancellations(count)
    yield from of_early_ends(count)
    yield from of_callers(singles)


def measure(*, quick: bool) -> list[tuple[str, Figures]]:
    """Measure all of it, in this process."""
    sizes = (100_000, 20_000, 10_000) if quick else (1_000_000, 200_000, 100_000)
    return [*rows(*sizes)]


def summary(found: list[tuple[str, Figures]]) -> str:
    """Write the longest turns, without those that the caller or asyncio make.

    A caller that starts or cancels 100,000 calls in one turn makes a long turn itself.
    """
    ours = [
        (name, figures)
        for name, figures in found
        if not name.startswith("floor") and not re.search("calls .* at once", name)
    ]
    shown = []
    for what, pattern in (
        ("batches", "creates|reads|updates"),
        ("single calls", "call"),
    ):
        part = [figures for name, figures in ours if re.search(pattern, name)]
        most = (max(column) for column in zip(*part, strict=True))
        shown.append((what, *(f"{each:,.0f}" for each in most)))
    return table(("the longest turn", *COLUMNS), shown)


def run(*, quick: bool) -> Section:
    """Measure all of it, in a new process."""
    found = call("stalls.measure", quick=quick)
    shown = [(name, f"{longest:,.0f}", f"{own:,.0f}") for name, (longest, own) in found]
    text = (
        f"{summary(found)}\n\n"
        "Single calls that are started or cancelled at once do not count here: that "
        "one turn is the caller's.\n\n"
        f"{table(('turn', *COLUMNS), shown)}"
    )
    return Section("Turns of the event loop", __doc__ or "", text)

"""The engine: from a source of inputs to their outcomes.

A run pumps its source into a desk, and workers carry chunks from the desk to HubSpot,
one chunk's life each. Nothing else sends.
"""

import asyncio

from base64 import b32encode
from contextlib import suppress
from itertools import count
from secrets import token_bytes
from typing import Any, Protocol, Self

from attrs import evolve
from backoff import full_jitter

from hubbatch.core.accounting import Emit, Ledger
from hubbatch.core.calls import Operation
from hubbatch.core.concluding import Concluder
from hubbatch.core.deciding import Judge, Trip
from hubbatch.core.events import ChunkCut
from hubbatch.core.outcomes import Summary
from hubbatch.core.planning import Chunk, Desk
from hubbatch.core.retrying import RetryPolicy
from hubbatch.core.stopping import FailureWatch
from hubbatch.core.telling import Teller
from hubbatch.core.verdicts import Verdict
from hubbatch.errors import (
    DailyLimitReached,
    HubBatchError,
    LimiterUnavailable,
    OverloadedError,
)

from .auth import Bearer, Login
from .exchanging import Exchange
from .gate import Gate
from .intake import BLOCK, KEPT_BLOCK, Intake, Source, cancelled_from_outside
from .lingering import Lingering
from .listening import Listeners
from .run_options import RunOptions
from .transport import Transport


_numbers = count(1)  # of the batches of this process
_TRACE_BYTES = 5  # of randomness: eight characters in base 32


def _trace_prefix() -> str:
    """Return what begins the trace ids of one batch, and of no other anywhere."""
    return b32encode(token_bytes(_TRACE_BYTES)).decode()


class Client(Protocol):
    """What the runs of one client share; see `Engine`."""

    transport: Transport
    credentials: Login
    policy: RetryPolicy
    max_concurrency: int
    listeners: Listeners
    account: str | None


class Run:
    """One batch on its way."""

    def __init__(
        self,
        client: Client,
        gate: Gate,
        operation: Operation,
        emit: Emit,
        options: RunOptions,
    ) -> None:
        operation = evolve(operation, trace_prefix=_trace_prefix())
        self.operation: Operation = operation
        self.ended: BaseException | None = None
        self._gate = gate
        self._credentials = client.credentials
        self._max_workers = client.max_concurrency
        self._options = options
        self._desk = Desk(
            operation.max_inputs,
            options.window or _window(operation, client.max_concurrency, options.watch),
            operation.call.repeats,
        )
        self._ledger = Ledger(
            operation=operation,
            desk=self._desk,
            emit=emit,
            freed=self._on_freed,
            watch=options.watch,
            stop=self.end,
            teller=Teller(
                operation=operation,
                audience=client.listeners,
                account=client.account,
                batch=next(_numbers),
                lane=options.lane.name.lower(),
            ),
        )
        self._judge = Judge(
            concluder=Concluder(self._ledger, isolate=options.isolate),
            policy=client.policy,
            jitter=full_jitter,
            renewable=client.credentials.renewable,
            hold=lambda seconds: gate.hold(seconds, operation.call.family),
            end=self.end,
        )
        self._exchange = Exchange(
            ledger=self._ledger,
            transport=client.transport,
            credentials=client.credentials,
            journal=options.journal,
        )
        self._trickles = False
        self._lingering = Lingering(
            options.linger,
            options.spacing,
            gap=lambda: gate.limit(operation.call.family).gap,
            elapsed=self._staff,
        )
        self._source_over = False
        self._tasks: asyncio.TaskGroup | None = None
        self._workers = 0
        self._unladen = 0  # workers that have no chunk yet
        self._waiting_tasks: set[asyncio.Task[Any]] = set()
        self._freed = asyncio.Event()  # the desk may have room again
        self._settled = asyncio.Event()
        self._over = asyncio.Event()

    @property
    def summary(self) -> Summary:
        """The counts so far."""
        return self._ledger.summary

    @property
    def teller(self) -> Teller:
        """What tells of this run."""
        return self._ledger.teller

    # ---- the whole run

    async def go(self, source: Source) -> None:
        """Send all that the source has; raise what ended the batch early, if anything.

        Afterwards every input that was taken has its outcome, also when this is
        cancelled.
        """
        started = _now()
        self._ledger.teller.of_begin()
        intake = Intake(source)
        try:
            async with asyncio.TaskGroup() as self._tasks:
                self._tasks.create_task(self._pump(intake))
                await self._until_settled()
        except BaseExceptionGroup as group:
            self.end(_first_leaf(group))
        finally:
            # What a cancellation left of a collection.
            self._ledger.leave_out(intake.rest())
            await intake.aclose()
            self._lingering.stop()
            self.summary.seconds = _now() - started
            self.ended = self._judge.ending(self.ended)
            self._finish()
        if self.ended is not None:
            raise self.ended

    async def _until_settled(self) -> None:
        """Stay until the source is over and all that came of it has its outcome."""
        try:
            await self._settled.wait()
        except BaseException as error:
            # Before the workers hear of it: they must not take up anything new.
            self.end(error)
            raise
        self._dismiss()

    def abandon(self, source: Source) -> None:
        """Account for a source that was never begun, because of a cancellation."""
        self._ledger.teller.of_begin()
        self.end(asyncio.CancelledError())
        self._ledger.leave_out(Intake(source).rest())
        self._finish()

    def _finish(self) -> None:
        self._ledger.teller.of_end(self.summary, self.ended)
        # A run is a cycle, and what became of the inputs is the caller's to let go.
        del self._ledger.emit

    def withdraw(self, index: int, given: object) -> None:
        """Take out an input that has not left; its outcome is `not_sent`."""
        self._ledger.withdraw(index, given)

    def end(self, error: BaseException) -> None:
        """End the batch: what is not in flight is not sent any more.

        `go` raises the error when what is in flight has its outcome.
        """
        if self.ended is None:
            self.ended = error
            self._over.set()
        cancelled = isinstance(self.ended, asyncio.CancelledError)
        why = "cancelled" if cancelled else f"ended by {type(error).__name__}: {error}"
        self._ledger.end(f"the batch was {why}")
        self._dismiss()

    def _dismiss(self) -> None:
        """Call back those who wait for a permit, or for a source that trickles."""
        for task in self._waiting_tasks:
            task.cancel()

    # ---- from the source to the desk

    async def _pump(self, intake: Intake) -> None:
        try:
            if self._options.complete is not None:
                self.operation = await self._options.complete(self.operation)
            while await self._room():
                block = await self._pull(intake)
                self._take_in(block)
                if intake.failure is not None:
                    self.end(intake.failure)
                if intake.failure is not None or not block:
                    return
            # A collection is accounted for to its end, an iterator is left alone.
            while intake.sized and (block := await intake.pull(KEPT_BLOCK)):
                self._ledger.leave_out(block)
        except Exception as error:
            self.end(error)
            raise
        finally:
            self._source_over = True
            self._on_freed()

    async def _pull(self, intake: Intake) -> list[Any]:
        room = min(self._desk.room, BLOCK) or BLOCK
        if not intake.trickles:
            return await intake.pull(room)
        self._trickles = True
        self._linger()
        with self._called_back():
            return await intake.pull(room)

    def _called_back(self) -> "_CalledBack":
        """Be cancelled when the batch ends, while nothing of it is under way."""
        return _CalledBack(self._waiting_tasks)

    async def _room(self) -> bool:
        """Wait until more may be taken in; False if the batch has ended instead."""
        await self._options.ready()
        while not self._desk.room and self.ended is None:
            self._freed.clear()
            await self._freed.wait()
        return self.ended is None

    def _take_in(self, block: list[Any]) -> None:
        if self.ended is not None:  # while the block was waited for
            self._ledger.leave_out(block)
            return
        self._ledger.take_in(block)
        if self.ended is None:
            self._staff()
        else:  # too many of the block are invalid
            self.end(self.ended)

    def _linger(self) -> None:
        """Let a partial chunk of a source that trickles wait for more."""
        if self._trickles and self._desk.waiting(partial=True):
            self._lingering.begin()

    # ---- from the desk to HubSpot

    def _on_freed(self) -> None:
        self._freed.set()
        if self._source_over and not self._desk.size:
            self._settled.set()
        if self.ended is None and self._desk.stuck:
            # HubSpot could read none of what was sent, and there is nothing else.
            assert self._judge.unreadable is not None  # noqa: S101 -- it parked them
            self.end(self._judge.unreadable)
        elif self.ended is None:
            self._staff()
            self._linger()

    def _waiting(self) -> int:
        """Count the chunks that may leave now."""
        partial = self._source_over or self._lingering.over or not self._desk.room
        return self._desk.waiting(partial=partial)

    def _staff(self) -> None:
        """Start as many workers as there are chunks that no worker is about to take."""
        assert self._tasks is not None  # noqa: S101 -- only `go` has what to staff
        wanted = min(self._waiting() - self._unladen, self._max_workers - self._workers)
        for _ in range(wanted):
            self._workers += 1
            self._unladen += 1
            self._tasks.create_task(self._work())

    async def _work(self) -> None:
        """Carry chunks while there are any."""
        try:
            while self._waiting():
                await self._carry()
        finally:
            self._unladen -= 1
            self._workers -= 1

    async def _carry(self) -> None:
        """Live one chunk's life: attempts and waits, until it is settled or split."""
        trip = Trip()
        try:
            await self._options.ready()
            while (verdict := await self._attempt(trip)) is not None:
                wait = self._judge.decide(trip, verdict, _now())
                if wait is None:
                    trip.over = True
                    return
                await self._pause(wait)
        except (DailyLimitReached, OverloadedError, LimiterUnavailable) as error:
            self.end(error)  # there was no permit, so nothing was sent
        except Exception as error:
            # A mistake of ours: whatever was under way, nothing is certain of it.
            if trip.chunk is not None:
                trip.chunk.doubtful = True
            self.end(error)
            raise
        finally:
            if trip.chunk is not None:
                self._unladen += 1
                if not trip.over:  # the batch has ended meanwhile, or was cancelled
                    self._ledger.drop(trip.chunk)

    async def _attempt(self, trip: Trip) -> Verdict | None:
        """Send a chunk once; it is cut when it may leave, and not before.

        None means that there is nothing to send any more.
        """
        while (bearer := await self._bearer()) is not None:
            token: str | None = None

            def wanted(bearer: Bearer = bearer) -> bool:
                nonlocal token
                token = bearer() if self._wants(trip) else None
                return token is not None

            asked = _now()
            lane, family = self._options.lane, self.operation.call.family
            with self._called_back() as waiting:
                async with self._gate.permit(lane, wanted, family) as permit:
                    waiting.over()
                    if permit is not None and token is not None:
                        chunk = self._cut(trip)
                        waited = trip.sent - asked
                        if not await self._written_down(chunk):
                            return None
                        return await self._exchange.of(
                            self.operation, chunk, permit, token, waited=waited
                        )
            if not self._wants(trip):
                return None
            # The token has run out while a permit was waited for: ask for another.
        return None

    async def _bearer(self) -> Bearer | None:
        """Have a token to send; None if the batch has ended, of this perhaps."""
        if self.ended is not None:
            return None
        try:
            with self._called_back():
                return await self._credentials.bearer()
        except asyncio.CancelledError as error:
            if cancelled_from_outside():
                raise
            self.end(error)
        except Exception as error:  # noqa: BLE001 -- the caller's own, raised at last
            self.end(error)
        return None

    def _wants(self, trip: Trip) -> bool:
        """Whether there is something to send on this trip."""
        if trip.chunk is None:
            return self._waiting() > 0
        return self.ended is None

    def _cut(self, trip: Trip) -> Chunk:
        """Give the chunk of a trip, cut now if it was not before."""
        trip.sent = _now()
        if trip.chunk is None:
            trip.chunk = self._desk.take()
            trip.started = trip.sent
            self._unladen -= 1
            self._lingering.begin_anew()
            self._linger()
            if self._options.doubted:
                self._judge.concluder.recall(trip.chunk)
            self._ledger.teller.of_chunk(ChunkCut, trip.chunk)
        return trip.chunk

    async def _written_down(self, chunk: Chunk) -> bool:
        """Have the journal know that a chunk leaves; False if it must not leave."""
        if not chunk.probing:  # a question writes nothing
            try:
                await self._options.journal.leaving(chunk)
            except HubBatchError as error:
                self.end(error)
        return self.ended is None

    async def _pause(self, seconds: float) -> None:
        """Sleep, but not beyond the end of the batch."""
        if seconds > 0:
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._over.wait()


def _window(operation: Operation, workers: int, watch: FailureWatch | None) -> int:
    """Count the inputs to hold: a chunk for each worker, and as much to follow."""
    window = 2 * workers * operation.max_inputs
    if watch is None:
        return window
    return max(window, watch.horizon + operation.max_inputs)


class _CalledBack:
    """Keeps the current task among those that wait, until it is over.

    A class, since a generator would take three times as many calls.
    """

    def __init__(self, waiting: set[asyncio.Task[Any]]) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 -- the engine runs in tasks
        self._waiting = waiting
        self._task = task

    def __enter__(self) -> Self:
        self._waiting.add(self._task)
        return self

    def over(self) -> None:
        """Wait no more; what follows must not be called back."""
        self._waiting.discard(self._task)

    def __exit__(self, *_: object) -> None:
        self.over()


def _now() -> float:
    return asyncio.get_running_loop().time()


def _first_leaf(group: BaseExceptionGroup[BaseException]) -> BaseException:
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error

"""The run of one batch: from a source of inputs to their outcomes.

One task reads the source into the input queue. Workers take chunks from the queue and
send each until its inputs have outcomes or are requeued. Nothing else sends requests.
"""

import asyncio

from collections import deque
from collections.abc import Callable, Iterable
from itertools import chain
from random import random
from typing import TYPE_CHECKING, Any

from attrs import evolve

from hubbatch._outcomes.chunk import Chunk
from hubbatch._outcomes.chunk_state import Step
from hubbatch._outcomes.effects import (
    Drop,
    Effect,
    EndBatch,
    HoldAll,
    NoteSplit,
    Wait,
    WaitOut,
    chunks_of,
    ended_instead,
)
from hubbatch._outcomes.events import ChunkCut
from hubbatch._outcomes.ledger import Ledger
from hubbatch._outcomes.outcome import Summary
from hubbatch._outcomes.queue import InputQueue
from hubbatch._outcomes.resolver import Resolver
from hubbatch._outcomes.verdicts import Verdict
from hubbatch._wire.calls import Operation
from hubbatch.errors import (
    DailyLimitReached,
    HubBatchError,
    LimiterUnavailable,
    OverloadedError,
)

from .attempt import ChunkInHand, Sender
from .auth import Bearer
from .event_emitter import EventEmitter
from .gate import Gate
from .identifiers import next_batch_number, trace_prefix
from .interruptible import InterruptibleWaits
from .outage import Outage, patience_of, pause
from .recorder import OutcomeRecorder, OutcomeSink
from .run_options import READY, RunOptions
from .source import (
    BLOCK,
    LingerTimer,
    Source,
    SourceReader,
    cancelled_from_outside,
    first_leaf,
)


if TYPE_CHECKING:
    from .client_state import ClientState


class Run:
    """One batch, from its source to the outcome of every input.

    Attributes:
        operation: the call that its requests make.
        ended: the error that ended the batch early; None before that.
        events: emits the events of the batch.
        summary: its counts so far.
    """

    # Invariants:
    # * Between two awaits, a chunk is in the queue, in the `ChunkInHand` of exactly one
    #   worker, or settled. Each worker returns its chunk before it ends.
    # * `_idle_workers` are those of the `_workers` that have no chunk.
    # * `_settled` is set once the source is over and the queue has no input without an
    #   outcome, and never before.
    # * Once `ended` is set, nothing is sent and no input is taken; requests in flight
    #   are finished, unless the task is cancelled.

    def __init__(
        self,
        client: "ClientState",
        gate: Gate,
        operation: Operation,
        sink: OutcomeSink,
        options: RunOptions,
    ) -> None:
        operation = evolve(operation, trace_prefix=trace_prefix())
        self.operation: Operation = operation
        self.ended: BaseException | None = None
        self._gate = gate
        self._credentials = client.credentials
        self._max_workers = client.max_concurrency
        self._options = options
        self._queue = InputQueue(
            operation.max_inputs,
            options.window_for(operation, 0, client.max_concurrency),
            operation.call.repeats,
        )
        ledger = Ledger(operation=operation, failure_limit=options.failure_limit)
        self.summary: Summary = ledger.summary
        self.events: EventEmitter = EventEmitter(
            operation=operation,
            listeners=client.listeners,
            account=client.account,
            batch=next_batch_number(),
            lane=options.lane.name.lower(),
            progress=options.reporter(ledger.summary),
        )
        self._recorder = OutcomeRecorder(
            ledger=ledger,
            queue=self._queue,
            sink=sink,
            events=self.events,
            watch=options.watch,
        )
        self._resolver = Resolver(
            operation=operation,
            policy=client.policy,
            renewable=client.credentials.renewable,
            isolate=options.isolate,
            failure_limit=options.failure_limit,
            patience=patience_of(options.lane),
        )
        self._sender = Sender(
            transport=client.transport,
            credentials=client.credentials,
            journal=options.journal,
            events=self.events,
            summary=self.summary,
        )
        self._now: Callable[[], float]  # the clock of the loop, set by `execute`
        self._trickles = False
        self._linger_timer = LingerTimer(options.linger, options.spacing)
        self._source_over = False
        self._tasks: asyncio.TaskGroup | None = None
        self._workers = 0
        self._idle_workers = 0
        self._waits = InterruptibleWaits()
        self._outage = Outage(self._resolver, client.probe, self._waits)
        self._freed = asyncio.Event()  # the queue may have room again
        self._settled = asyncio.Event()
        self._batch_ended = asyncio.Event()

    # ---- the whole run

    async def execute(self, source: Source) -> None:
        """Send all inputs of the source; raise the error that ended the batch early.

        When it returns or raises, every input that was taken has its outcome, even
        after a cancellation.
        """
        self._now = asyncio.get_running_loop().time
        started = self._now()
        self.events.begun()
        reader = SourceReader(source)
        try:
            async with asyncio.TaskGroup() as self._tasks:
                self._tasks.create_task(self._read_source(reader))
                await self._until_settled()
        except BaseExceptionGroup as group:
            self.end(first_leaf(group))
        finally:
            # After a cancellation, inputs of a collection may not have been read.
            self._recorder.leave_out(reader.rest())
            await reader.aclose()
            self._linger_timer.stop()
            self.summary.seconds = self._now() - started
            self.ended = self._resolver.ending(
                self.ended, maybe_written=self.summary.unknown > 0
            )
            self.events.ended(self.summary, self.ended)
        if self.ended is not None:
            raise self.ended

    async def _until_settled(self) -> None:
        """Wait until the source has ended and all of its inputs have outcomes."""
        try:
            await self._settled.wait()
        except BaseException as error:
            # Before the workers are cancelled, so that none takes another chunk.
            self.end(error)
            raise
        self._waits.cancel()

    def abandon(self, source: Source) -> None:
        """Record the inputs of a batch that was cancelled before `execute` began."""
        self.events.begun()
        self.end(asyncio.CancelledError())
        self._recorder.leave_out(SourceReader(source).rest())
        self.events.ended(self.summary, self.ended)

    def withdraw(self, index: int, value: object) -> None:
        """Withdraw an input that no worker has taken; its outcome is `not_sent`."""
        if self._recorder.withdraw(index, value):
            self._on_freed()

    def end(self, error: BaseException) -> None:
        """End the batch: nothing that is not in flight is sent.

        `execute` raises the error once every input has its outcome.
        """
        if self.ended is None:
            self.ended = error
            self._batch_ended.set()
        cancelled = isinstance(self.ended, asyncio.CancelledError)
        name = type(error).__name__
        cause = "cancelled" if cancelled else f"ended by {name}: {error}"
        ledger = self._recorder.ledger
        ledger.ended = ledger.ended or f"the batch was {cause}"
        self._recorder.clear()
        self._on_freed()
        self._waits.cancel()

    # ---- from the source to the queue

    async def _read_source(self, reader: SourceReader) -> None:
        try:
            if self._options.complete is not None:
                self.operation = await self._options.complete(self.operation)
            while await self._wait_for_room():
                block = await self._read_block(reader)
                self._put_block(block)
                if reader.failure is not None:
                    self.end(reader.failure)
                if reader.failure is not None or not block:
                    return
            # Each input of a collection gets an outcome. An iterator keeps the inputs
            # that it has not yielded yet.
            while reader.sized and (unsent := await reader.pull_unsent()):
                self._recorder.leave_out(unsent)
        except Exception as error:
            self.end(error)
            raise
        finally:
            self._source_over = True
            self._on_freed()

    async def _read_block(self, reader: SourceReader) -> list[Any]:
        # Up to the end of a chunk, so that a block seldom has to be split.
        room = min(self._queue.room, self._queue.missing, BLOCK)
        if not reader.trickles:
            return await reader.pull(room)
        self._trickles = True
        self._start_linger_timer()
        with self._waits.begin():
            return await reader.pull(room)

    async def _wait_for_room(self) -> bool:
        """Wait for room in the queue; return False if the batch has ended instead."""
        await self._options.ready()
        while not self._queue.room and self.ended is None:
            self._freed.clear()
            await self._freed.wait()
        return self.ended is None

    def _put_block(self, block: list[Any]) -> None:
        if self.ended is not None:  # while waiting for the block
            self._recorder.leave_out(block)
            return
        self._recorder.take_in(block)
        if self._recorder.exceeded is not None:  # too many of the block are invalid
            self.end(self._recorder.exceeded)
        else:
            self._start_workers()

    def _gap(self) -> float:
        """Return the seconds between requests sent evenly at the rate limit."""
        return self._gate.limit(self.operation.call.family).gap

    def _start_linger_timer(self) -> None:
        """Start the timer for a partial chunk, if the source trickles."""
        if self._trickles and self._queue.waiting(partial=True):
            self._linger_timer.begin(self._gap, self._start_workers)

    # ---- workers

    def _on_freed(self) -> None:
        """Wake the reader, end the run or start workers: the queue has changed."""
        under_way = self._workers - self._idle_workers
        self._queue.window = self._options.window_for(
            self.operation, under_way, self._max_workers
        )
        self._freed.set()
        if self._source_over and not self._queue.size:
            self._settled.set()
        if self.ended is None and self._queue.stuck:
            # HubSpot could not read any input that was sent alone. Only parked ones
            # are left, and no answer will unpark them.
            assert self._resolver.unreadable is not None  # noqa: S101 -- it parked them
            self.end(self._resolver.unreadable)
        elif self.ended is None:
            self._start_workers()
            self._start_linger_timer()
        self.events.progress.report()

    def _count_waiting(self) -> int:
        """Return how many chunks may be taken and sent now."""
        partial = self._source_over or self._linger_timer.over or not self._queue.room
        return self._queue.waiting(partial=partial)

    def _start_workers(self) -> None:
        """Start workers for chunks that no idle worker is about to take."""
        assert self._tasks is not None  # noqa: S101 -- `execute` has begun
        wanted = min(
            min(self._count_waiting(), READY) - self._idle_workers,
            self._outage.limit(self._max_workers) - self._workers,
        )
        for _ in range(wanted):
            self._workers += 1
            self._idle_workers += 1
            self._tasks.create_task(self._work())

    async def _work(self) -> None:
        """Process chunks until none may be sent."""
        try:
            while self._count_waiting() and self._idle_workers <= READY:
                if self._workers > self._outage.limit(self._max_workers):
                    return
                if (effect := await self._outage.wait()) is not None:
                    self._apply_one(effect)
                else:
                    await self._process_chunk()
        finally:
            self._idle_workers -= 1
            self._workers -= 1

    async def _process_chunk(self) -> None:
        """Send one chunk until all of its inputs have outcomes or are requeued."""
        in_hand = ChunkInHand()
        try:
            await self._options.ready()
            while (verdict := await self._attempt(in_hand)) is not None:
                assert in_hand.chunk is not None  # noqa: S101 -- it was sent
                effects = self._resolver.resolve(
                    in_hand.chunk,
                    verdict,
                    self._now(),
                    draw=random(),  # noqa: S311 -- jitter
                )
                in_hand.chunk = None  # the effects have its inputs now
                wait = self._apply(effects)
                if wait is None:
                    return
                in_hand.chunk, in_hand.wait = wait.chunk, wait
                await pause(wait.seconds, self._batch_ended)
        except (DailyLimitReached, OverloadedError, LimiterUnavailable) as error:
            self.end(error)  # there was no permit, so nothing was sent
        except Exception as error:
            # A bug in hubbatch. The chunk in flight may have been written.
            if in_hand.chunk is not None:
                in_hand.after(Step.LOSE)
            self.end(error)
            raise
        finally:
            if in_hand.chunk is not None:
                self._idle_workers += 1
                # The batch has ended meanwhile, or was cancelled.
                self._recorder.apply(Drop(in_hand.chunk))
                self._on_freed()

    # ---- effects

    def _apply(self, effects: Iterable[Effect]) -> Wait | None:
        """Apply the effects of a verdict in order; return the `Wait`, if there is one.

        If an effect ends the batch, the chunks of the effects after it are not sent.
        """
        wait: Wait | None = None
        left = deque(effects)
        try:
            while left:
                wait = self._apply_one(left[0]) or wait
                left.popleft()
                if self._recorder.exceeded is not None and self.ended is None:
                    self.end(self._recorder.exceeded)
        except Exception as error:
            # A bug of hubbatch. No chunk of these effects is in hand or in the queue.
            self.end(error)
            for chunk in chain.from_iterable(map(chunks_of, left)):
                self._recorder.apply(Drop(chunk.after(Step.LOSE)))
            raise
        if wait is None:
            self._idle_workers += 1
        self._on_freed()
        return wait

    def _apply_one(self, effect: Effect) -> Wait | None:
        match effect:
            case Wait() if self.ended is None:
                self.summary.retries += 1
                self.events.retried(effect)
                return effect
            case Wait():
                self._recorder.apply(ended_instead(effect, effect.chunk))
            case HoldAll():
                self.summary.throttled += 1
                self._gate.hold(effect.seconds, self.operation.call.family)
                self.events.throttled(effect.chunk, effect.throttled)
            case WaitOut():
                self._outage.postpone(effect)
                self.events.hubspot_down(effect)
                self.summary.retries += effect.repeats
            case EndBatch():
                self.end(effect.error)
            case NoteSplit():
                if self.ended is None:
                    self.summary.isolating += effect.parts
                    self.events.isolated(effect)
            case _:
                self._recorder.apply(effect)
        return None

    # ---- one attempt

    async def _attempt(self, in_hand: ChunkInHand) -> Verdict | None:
        """Send a chunk once; return None if there is nothing to send.

        A chunk is taken from the queue only when its permit is granted, so that inputs
        put into the queue while it waited for the rate limit still join it.
        """
        most = self._outage.limit(self._max_workers)
        if (effect := in_hand.give_way(self._workers > most)) is not None:
            self._apply([effect])
            return None
        while (bearer := await self._get_bearer()) is not None:
            token: str | None = None

            def take_token(bearer: Bearer = bearer) -> bool:
                nonlocal token
                token = bearer() if self._has_work(in_hand) else None
                return token is not None

            requested = self._now()
            lane, family = self._options.lane, self.operation.call.family
            with self._waits.begin() as waiting:
                async with self._gate.permit(lane, take_token, family) as permit:
                    waiting.over()
                    if permit is not None and token is not None:
                        waited = self._now() - requested
                        if not await self._journal(self._take_chunk(in_hand)):
                            return None
                        return await self._sender.send(
                            self.operation, in_hand, permit, token, waited=waited
                        )
            if not self._has_work(in_hand):
                return None
            # The token has expired while this waited for a permit: get another one.
        return None

    async def _get_bearer(self) -> Bearer | None:
        """Return the login's bearer; None if the batch has ended or the login fails."""
        if self.ended is not None:
            return None
        try:
            if not self._credentials.renewable:  # a constant, and nothing to wait for
                return await self._credentials.bearer()
            with self._waits.begin():
                return await self._credentials.bearer()
        except asyncio.CancelledError as error:
            if cancelled_from_outside():
                raise
            self.end(error)
        except Exception as error:  # noqa: BLE001 -- of the caller's code; raised later
            self.end(error)
        return None

    def _has_work(self, in_hand: ChunkInHand) -> bool:
        if in_hand.chunk is not None:
            return self.ended is None
        return self._count_waiting() > 0 and not self._outage.forbids(self._workers)

    def _take_chunk(self, in_hand: ChunkInHand) -> Chunk:
        """Return the worker's chunk to send again, or else the queue's next one."""
        if in_hand.chunk is None:
            now = self._now()
            chunk = in_hand.chunk = self._queue.next_chunk(now)
            if self._options.maybe_sent:
                chunk = self._resolver.recall(chunk, now)
            in_hand.chunk = chunk
            self._idle_workers -= 1
            self._linger_timer.restart(self._gap)
            self._on_freed()
            self.events.chunk(ChunkCut, chunk)
        return in_hand.chunk

    async def _journal(self, chunk: Chunk) -> bool:
        """Record in the journal that a chunk leaves; return False if it must not."""
        if not chunk.state.looking_up:  # a lookup writes nothing
            try:
                await self._options.journal.leaving(chunk)
            except HubBatchError as error:
                self.end(error)
        return self.ended is None

"""Single calls that are sent together, in shared requests.

Each operation has a `CallBatcher` while callers wait. The batcher is both the source
and the outcome sink of its successive runs. It is not a second queue: a run pulls each
call immediately, and calls wait in the batcher only while the previous run ends.
"""

import asyncio

from collections import OrderedDict
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import suppress
from contextvars import Context
from copy import copy, deepcopy
from functools import partial
from typing import Any

from attrs import field

from hubbatch._classes import define
from hubbatch._limits.window import Spacing
from hubbatch._outcomes.health import NO_ANSWER, advise, unavailable
from hubbatch._outcomes.matching import MatchedAnswer
from hubbatch._outcomes.outcome import (
    Outcome,
    OutcomeStatus,
    not_sent_error,
    unknown_error,
)
from hubbatch._outcomes.queue import Chunk
from hubbatch._wire.endpoints import Operation
from hubbatch.errors import (
    APIError,
    HubBatchError,
    HubSpotUnavailable,
    OverloadedError,
)

from .client_state import ClientState, LoopUse
from .permit_queue import Lane
from .run import Run
from .run_options import RunOptions


# Seconds that a call on an idle client waits for others to share its request.
LINGER = 0.003
MAX_PENDING = 10_000

_INDISTINGUISHABLE = (
    "HubSpot has written it, but its answer does not tell it from others that were "
    "written with the same properties"
)


@define(eq=False)
class _Call:
    """One caller's input, and the future that the caller awaits.

    An error is set as the future's result, not as its exception: asyncio would report
    the exception as never retrieved if the caller has just been cancelled.
    """

    value: Any
    answer: "asyncio.Future[Any]"
    index: int = -1  # its index in the run that has taken it


class CallBatcher(AsyncIterator[Any]):
    """Batches the single calls of one operation, and answers each caller.

    As a source, it ends once no caller is waiting. As an outcome sink, it returns each
    caller's own result, or raises each caller's own error.
    """

    # Invariant: a call is in `_waiting` until a run pulls it, then in `_taken` (under
    # its index in that run) until its outcome arrives, then in neither. If its caller
    # is cancelled, it is removed from `_waiting`; if it is in `_taken` already, the run
    # decides whether to withdraw it, and reports an outcome in any case.
    #
    # Indices are those of the current `_run`. A run starts only when `_taken` is empty:
    # the run before it has returned, so every input that it took has its outcome.

    def __init__(
        self,
        state: ClientState,
        operation: Operation,
        *,
        window: int,
        spacing: Spacing,
    ) -> None:
        self.operation = operation
        # An empty context: the runs must not see the variables of any one caller.
        self.context: Context = Context()
        self._state = state
        self._options = RunOptions(
            lane=Lane.SINGLE, linger=LINGER, spacing=spacing, window=window
        )
        self._waiting: OrderedDict[_Call, None] = OrderedDict()
        self._taken: dict[int, _Call] = {}
        self._count = 0  # calls that the current run has taken
        self._run: Run | None = None
        self._changed = asyncio.Event()

    # ---- for the callers

    def add(self, value: Any) -> _Call:
        """Add a call; its caller awaits its `answer`."""
        call = _Call(value, asyncio.get_running_loop().create_future())
        self._waiting[call] = None
        self._changed.set()
        return call

    def withdraw(self, call: _Call) -> None:
        """Withdraw a cancelled call if it was not sent yet."""
        if call in self._waiting:
            del self._waiting[call]
            self._changed.set()
        elif call.index in self._taken and self._run is not None:
            # In the context of the runs, because the run may start tasks.
            self.context.run(self._run.withdraw, call.index, call.value)

    # ---- its runs

    async def execute_runs(self) -> None:
        """Execute one run after another until no call waits."""
        # With eager tasks this runs before the first call is added.
        await asyncio.sleep(0)
        with self._state.use():
            while self._waiting:
                self._count = 0
                self._run = self._state.new_run(self.operation, self, self._options)
                # The error that ends a run is raised in its callers. Calls that arrive
                # meanwhile wait for the next run, so that writes keep their order.
                with suppress(Exception):
                    await self._run.execute(self)

    def reject_waiting(self) -> None:
        """Fail the calls that no run will take after a cancellation."""
        while self._waiting:
            call, _ = self._waiting.popitem()
            _answer(call, not_sent_error("the client was cancelled"))

    # ---- the source

    async def __anext__(self) -> Any:
        while not self._waiting:
            if not self._taken:
                raise StopAsyncIteration
            self._changed.clear()
            await self._changed.wait()
        call, _ = self._waiting.popitem(last=False)
        call.index = self._count
        self._taken[call.index] = call
        self._count += 1
        return call.value

    # ---- the outcome sink

    def took(self, inputs: list[Any]) -> None:
        """Do nothing: the inputs are in `_taken` already."""

    def answered(self, chunk: Chunk, matched: MatchedAnswer) -> None:
        """Do nothing: the envelope belongs to no single caller."""

    def succeeded(self, chunk: Chunk, results: list[Any]) -> None:
        """Send each caller its result; callers that share one get copies."""
        for index, result in zip(chunk.indices, results, strict=True):
            if result is None and self.operation.call.verb != "archive":
                self._settle(index, unknown_error(_INDISTINGUISHABLE))
                continue
            for duplicate, _ in chunk.duplicates.get(index, ()):
                self._settle(duplicate, deepcopy(result))
            self._settle(index, result)

    def failed(self, outcomes: Sequence[Outcome[Any]]) -> None:
        """Raise each caller's own error."""
        for outcome in outcomes:
            call = self._taken.get(outcome.index)
            cancelled = call is None or call.answer.done()
            self._settle(outcome.index, None if cancelled else self._error(outcome))

    def _error(self, outcome: Outcome[Any]) -> HubBatchError:
        assert self._run is not None  # noqa: S101 -- the outcome is from it
        assert outcome.error is not None  # noqa: S101 -- it did not succeed
        ended, cause = self._run.ended, outcome.error.__cause__
        not_sent = outcome.status is OutcomeStatus.NOT_SENT
        if isinstance(cause, APIError):  # the last answer of a chunk without retries
            return _with_advice(unavailable(NO_ANSWER, cause))
        if not_sent and isinstance(ended, HubBatchError):
            return _with_advice(copy(ended))
        error = copy(outcome.error)
        # HubSpot may name every record of a chunk that it did not find: a caller must
        # not see the ids of other callers.
        if isinstance(error.context, Mapping) and "ids" in error.context:
            own = getattr(outcome.input, "id", outcome.input)
            error.context = {**error.context, "ids": [str(own)]}
        unfinished = not_sent or outcome.status is OutcomeStatus.UNKNOWN
        if unfinished and isinstance(ended, Exception):
            error.__cause__ = ended
        return error

    def _settle(self, index: int, answer: Any) -> None:
        call = self._taken.pop(index, None)
        if call is not None:
            _answer(call, answer)
        if not self._taken:
            self._changed.set()


def _with_advice(error: HubBatchError) -> HubBatchError:
    """Return the error of a call that was not written, with advice."""
    if isinstance(error, HubSpotUnavailable):
        # This caller's record was not written, whatever happened to the others.
        advise(error, maybe_written=False)
    return error


def _answer(call: _Call, answer: Any) -> None:
    if not call.answer.done():
        call.answer.set_result(answer)


@define(eq=False)
class _PendingCalls:
    """A client's single calls in one event loop.

    Invariant: an operation is in `batchers` while its batcher's task runs, so each call
    is added to a batcher that will take or reject it.

    Attributes:
        loop_use: the client's use of that loop.
        spacing: spreads the requests of all operations evenly.
        count: the number of waiting callers, over all batchers.
        batchers: the batchers that have waiting callers, by operation.
        tasks: the tasks that execute their runs.
    """

    loop_use: LoopUse
    spacing: Spacing = field(factory=Spacing)
    count: int = 0
    batchers: dict[Operation, CallBatcher] = field(factory=dict)
    tasks: set["asyncio.Task[None]"] = field(factory=set)


@define(eq=False)
class CallBatchers:
    """The batchers of one client, one for each operation that has waiting calls.

    Attributes:
        max_pending: the maximum number of waiting calls, over all operations.
    """

    _state: ClientState
    max_pending: int = MAX_PENDING
    _pending: _PendingCalls = field(
        factory=lambda: _PendingCalls(LoopUse()), init=False
    )

    async def call(self, operation: Operation, value: Any) -> Any:
        """Send one input together with others; return its result or raise its error.

        Raises:
            OverloadedError: If `max_pending` calls are waiting already.
            RuntimeError: If the client is closed, or in use in another event loop.
        """
        self._state.check_open()
        self._state.warn_of_retirement(operation)
        with self._state.use() as loop_use:
            if self._pending.loop_use is not loop_use:
                self._pending = _PendingCalls(loop_use)
            pending = self._pending
            if pending.count >= self.max_pending:
                raise OverloadedError(
                    f"{pending.count} single calls are waiting already; this one was "
                    "not sent. Send it again later, or raise max_pending"
                )
            pending.count += 1
            batcher = self._batcher(pending, operation)
            call = batcher.add(value)
            try:
                answer = await call.answer
            except asyncio.CancelledError:
                batcher.withdraw(call)
                raise
            finally:
                pending.count -= 1
            if not isinstance(answer, HubBatchError):
                return answer
            try:
                answer.account = self._state.account
                await self._state.set_reset_time(answer, operation)
                raise answer
            finally:
                del answer, call  # otherwise the error's traceback would keep it alive

    def _batcher(self, pending: _PendingCalls, operation: Operation) -> CallBatcher:
        batcher = pending.batchers.get(operation)
        if batcher is None:
            # Room for every caller that may wait, and for inputs in flight whose
            # callers were cancelled: a run can always take a call immediately.
            in_flight = self._state.max_concurrency * operation.max_inputs
            batcher = CallBatcher(
                self._state,
                operation,
                window=self.max_pending + in_flight,
                spacing=pending.spacing,
            )
            pending.batchers[operation] = batcher
            # A separate task, so that cancelling a caller does not cancel it.
            task = asyncio.create_task(
                _execute(pending, batcher), context=batcher.context
            )
            pending.tasks.add(task)
            task.add_done_callback(
                partial(_on_done, pending, batcher), context=batcher.context
            )
        return batcher


async def _execute(pending: _PendingCalls, batcher: CallBatcher) -> None:
    await batcher.execute_runs()
    # No await in between: a call that arrives from now on gets a new batcher.
    del pending.batchers[batcher.operation]


def _on_done(
    pending: _PendingCalls, batcher: CallBatcher, task: "asyncio.Task[None]"
) -> None:
    pending.tasks.discard(task)
    # After a cancellation, perhaps before the task began, the batcher is still there.
    if pending.batchers.get(batcher.operation) is batcher:
        del pending.batchers[batcher.operation]
    batcher.reject_waiting()

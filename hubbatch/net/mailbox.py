"""Single calls that ride together: the source of a run, and where it answers.

Each operation has a mailbox while anybody waits in it, and one run after the other
takes the calls out. It is no second queue: a call is on the desk of its run as soon
as that has a turn, and stays in the mailbox only while a run before it comes to its
end.
"""

import asyncio

from collections import OrderedDict
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import suppress
from contextvars import Context
from copy import copy, deepcopy
from functools import partial
from typing import Any

from attrs import define, field

from hubbatch._limits.window import Spacing
from hubbatch.core.operations import Operation
from hubbatch.core.outcomes import (
    Outcome,
    OutcomeStatus,
    not_sent_error,
    unknown_error,
)
from hubbatch.core.planning import Chunk
from hubbatch.core.settling import Settlement
from hubbatch.core.unavailable import NO_ANSWER, advise, unavailable
from hubbatch.errors import (
    APIError,
    HubBatchError,
    HubSpotUnavailable,
    OverloadedError,
)

from .engine import Engine, Stay
from .permit_queue import Lane
from .run_options import RunOptions
from .running import Run


# Seconds that a call waits on an idle client for others to ride with.
LINGER = 0.003
MAX_PENDING = 10_000

_NOT_TOLD_APART = (
    "HubSpot has written it, but its answer does not tell it from others that were "
    "written with the same properties"
)


@define(eq=False)
class _Call:
    """One caller's input, and the future it waits for.

    The future is given what to raise, too, as its result: an exception that is set
    when the caller has just gone would be reported as never retrieved.
    """

    given: Any
    answer: "asyncio.Future[Any]"
    index: int = -1  # its place in the run that has taken it in


class Mailbox(AsyncIterator[Any]):
    """The single calls of one operation, as the source and the emit of its runs.

    As a source it is over when nobody waits for an answer. As an emit it gives each
    caller a result of its own, or an error of its own to raise.
    """

    def __init__(
        self, engine: Engine, operation: Operation, *, window: int, spacing: Spacing
    ) -> None:
        self.operation = operation
        # No caller's context variables: the run is nobody's own.
        self.context: Context = Context()
        self._engine = engine
        self._options = RunOptions(
            lane=Lane.SINGLE, linger=LINGER, spacing=spacing, window=window
        )
        self._waiting: OrderedDict[_Call, None] = OrderedDict()
        self._taken: dict[int, _Call] = {}
        self._count = 0  # how many the run has taken in
        self._run: Run | None = None
        self._changed = asyncio.Event()

    # ---- for the callers

    def put(self, given: Any) -> _Call:
        """Take in a call, whose answer its caller waits for."""
        call = _Call(given, asyncio.get_running_loop().create_future())
        self._waiting[call] = None
        self._changed.set()
        return call

    def withdraw(self, call: _Call) -> None:
        """Take back a call that has not left; of any other, only the waiting ends."""
        if call in self._waiting:
            del self._waiting[call]
            self._changed.set()
        elif call.index in self._taken and self._run is not None:
            # In the run's context, because it may start tasks.
            self.context.run(self._run.withdraw, call.index, call.given)

    # ---- its runs

    async def serve(self) -> None:
        """Have runs take the calls out until nobody waits."""
        # The first caller comes now, also where a task begins in the very instant in
        # which it is made (asyncio's eager tasks).
        await asyncio.sleep(0)
        with self._engine.busy():
            while self._waiting:
                self._count = 0
                self._run = self._engine.run(self.operation, self, self._options)
                # What ends a run its callers are told. Who calls meanwhile waits until
                # all of it is settled, so that writes keep their order, and gets
                # another one.
                with suppress(Exception):
                    await self._run.execute(self)

    def refuse(self) -> None:
        """Answer those whom no run will take in: there was a cancellation."""
        while self._waiting:
            call, _ = self._waiting.popitem()
            _answer(call, not_sent_error("not sent: the client was cancelled"))

    # ---- as a source

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
        return call.given

    # ---- as an emit

    def took(self, inputs: list[Any]) -> None:
        """Know them already."""

    def answered(self, chunk: Chunk, settlement: Settlement) -> None:
        """Keep nothing of the envelope: it is nobody's own."""

    def succeeded(self, chunk: Chunk, results: list[Any]) -> None:
        """Give each caller its result; those who share one get copies."""
        for index, result in zip(chunk.indices, results, strict=True):
            if result is None and self.operation.call.verb != "archive":
                self._settle(index, unknown_error(_NOT_TOLD_APART))
                continue
            for duplicate, _ in chunk.duplicates.get(index, ()):
                self._settle(duplicate, deepcopy(result))
            self._settle(index, result)

    def failed(self, outcomes: Sequence[Outcome[Any]]) -> None:
        """Raise an error of its own in each caller."""
        for outcome in outcomes:
            call = self._taken.get(outcome.index)
            gone = call is None or call.answer.done()
            self._settle(outcome.index, None if gone else self._error(outcome))

    def _error(self, outcome: Outcome[Any]) -> HubBatchError:
        assert self._run is not None  # noqa: S101 -- it told us
        assert outcome.error is not None  # noqa: S101 -- it did not succeed
        ended, cause = self._run.ended, outcome.error.__cause__
        not_sent = outcome.status is OutcomeStatus.NOT_SENT
        if isinstance(cause, APIError):  # its request was given up
            return _advised(unavailable(NO_ANSWER, cause))
        if not_sent and isinstance(ended, HubBatchError):
            return _advised(copy(ended))
        error = copy(outcome.error)
        # HubSpot may name all the records of a chunk that it did not find: those of
        # other callers are not this one's business.
        if isinstance(error.context, Mapping) and "ids" in error.context:
            own = getattr(outcome.input, "id", outcome.input)
            error.context = {**error.context, "ids": [str(own)]}
        told = not_sent or outcome.status is OutcomeStatus.UNKNOWN
        if told and isinstance(ended, Exception):
            error.__cause__ = ended
        return error

    def _settle(self, index: int, answer: Any) -> None:
        call = self._taken.pop(index, None)
        if call is not None:
            _answer(call, answer)
        if not self._taken:
            self._changed.set()


def _advised(error: HubBatchError) -> HubBatchError:
    """Say what to do after an error of a call that was not written."""
    if isinstance(error, HubSpotUnavailable):
        advise(error, maybe_written=False)  # whatever became of others' calls
    return error


def _answer(call: _Call, answer: Any) -> None:
    if not call.answer.done():
        call.answer.set_result(answer)


@define(eq=False)
class _Desk:
    """The single calls of a client in one event loop.

    Attributes:
        stay: the client's, in that loop.
        pending: how many calls wait, over all mailboxes.
        open: the mailboxes in which anybody waits.
    """

    stay: Stay
    spacing: Spacing = field(factory=Spacing)
    pending: int = 0
    open: dict[Operation, Mailbox] = field(factory=dict)
    tasks: set["asyncio.Task[None]"] = field(factory=set)


@define(eq=False)
class Mailboxes:
    """The mailboxes of one client, each there while anybody waits in it.

    `max_pending` is how many calls may wait, over all of them.
    """

    _engine: Engine
    max_pending: int = MAX_PENDING
    _desk: _Desk = field(factory=lambda: _Desk(Stay()), init=False)

    async def ask(self, operation: Operation, given: Any) -> Any:
        """Wait for what becomes of one input: give its result, or raise its error.

        Raises:
            OverloadedError: if too many wait already.
            RuntimeError: if the client is closed, or in use in another event loop.
        """
        self._engine.check_open()
        with self._engine.busy() as stay:
            if self._desk.stay is not stay:
                self._desk = _Desk(stay)
            desk = self._desk
            if desk.pending >= self.max_pending:
                raise OverloadedError(
                    f"{desk.pending} single calls wait already; this one was not sent"
                )
            desk.pending += 1
            box = self._mailbox(desk, operation)
            call = box.put(given)
            try:
                answer = await call.answer
            except asyncio.CancelledError:
                box.withdraw(call)
                raise
            finally:
                desk.pending -= 1
            if not isinstance(answer, HubBatchError):
                return answer
            try:
                await self._engine.date(answer, operation)
                raise answer
            finally:
                del answer, call  # or its traceback would keep it alive

    def _mailbox(self, desk: _Desk, operation: Operation) -> Mailbox:
        box = desk.open.get(operation)
        if box is None:
            # Room for all who may wait, and for what is under way for those who have
            # gone: a call is never kept off the desk.
            gone = self._engine.max_concurrency * operation.max_inputs
            box = Mailbox(
                self._engine,
                operation,
                window=self.max_pending + gone,
                spacing=desk.spacing,
            )
            desk.open[operation] = box
            # A task of its own: no caller's cancellation reaches it.
            task = asyncio.create_task(_serve(desk, box), context=box.context)
            desk.tasks.add(task)
            over = partial(_over, desk, box)
            task.add_done_callback(over, context=box.context)
        return box


async def _serve(desk: _Desk, box: Mailbox) -> None:
    await box.serve()
    del desk.open[box.operation]  # nobody can have called in between


def _over(desk: _Desk, box: Mailbox, task: "asyncio.Task[None]") -> None:
    desk.tasks.discard(task)
    if desk.open.get(box.operation) is box:  # cancelled, perhaps before it began
        del desk.open[box.operation]
    box.refuse()

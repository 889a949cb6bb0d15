"""The batch that a verb returns, to be awaited or streamed."""

import warnings

from collections.abc import Coroutine, Generator
from contextlib import AbstractAsyncContextManager
from types import TracebackType
from typing import TYPE_CHECKING, Any, Generic, NoReturn

from attrs import evolve

from hubbatch._outcomes.failure_limit import FailureLimit, parse_max_failures
from hubbatch._outcomes.outcome import Summary
from hubbatch._outcomes.response import Collector, CombinedResponse
from hubbatch._wire.calls import Operation
from hubbatch.errors import HubBatchError
from hubbatch.models import R

from .client_state import ClientState
from .permit_queue import Lane
from .progress import ProgressCallback, check_progress
from .property_watch import PropertyWatch
from .recorder import OutcomeSink
from .run import Run
from .run_options import (
    LINGER,
    CompleteOperation,
    JournalHook,
    NoJournalHook,
    Ready,
    RunOptions,
    always_ready,
)
from .source import Source, check_source, length
from .stream import Stream


class Batch(
    Coroutine[Any, Any, CombinedResponse[R]],
    AbstractAsyncContextManager[Stream[R]],
    Generic[R],
):
    """One call of a verb. Either `await` it or enter it with `async with`, once.

    Attributes:
        response: The combined response once the batch has been awaited, even if it
            timed out, was cancelled or failed; None before that.
        summary: The counts, which grow while the batch runs.
    """

    # Invariant: a batch is used once. `_used` is set by the first `await`, `send`,
    # `throw`, `async with`, `begin` or `close`. Then either `_coroutine` (await) or
    # `_entered` (stream) is set, never both.

    # The defaults of the public verbs are those of this signature; see `_verbs`.
    def __init__(
        self,
        state: ClientState,
        operation: Operation,
        source: Source,
        *,
        isolate: bool = True,
        max_failures: int | str | None = "auto",
        linger: float = LINGER,
        progress: ProgressCallback | None = None,
        lane: Lane = Lane.BULK,
        complete: CompleteOperation | None = None,
        watch: PropertyWatch | None = None,
    ) -> None:
        self._used = True  # a batch with wrong arguments must not warn in __del__
        self.response: CombinedResponse[R] | None = None
        self.summary: Summary = Summary()
        self._state = state
        self._operation = operation
        self._source = check_source(
            source,
            f"{operation.name}() expects an iterable or async iterable of inputs",
            operation,
        )
        if not isinstance(isolate, bool):
            raise TypeError(f"isolate must be True or False, not {isolate!r}.")
        if isinstance(linger, bool) or not isinstance(linger, int | float):
            raise TypeError(f"linger must be a number of seconds, not {linger!r}.")
        if not linger >= 0:
            raise ValueError(f"linger must be zero or more seconds, not {linger!r}.")
        check_progress(progress)
        self._options = RunOptions(
            lane=lane,
            linger=linger,
            isolate=isolate,
            failure_limit=_failure_limit(max_failures, operation, source),
            complete=complete,
            watch=watch,
            progress=progress,
            total=length(source),
        )
        self._used = False
        self._coroutine: Coroutine[Any, Any, CombinedResponse[R]] | None = None
        self._entered: tuple[Stream[R], Run] | None = None
        self._begun = False  # `feed` has had its first step

    @property
    def operation(self) -> Operation:
        """The call that the requests of this batch make."""
        return self._operation

    # ---- await it

    def __await__(self) -> Generator[Any, Any, CombinedResponse[R]]:
        self._use()
        self._coroutine = self._collect()
        return self._coroutine.__await__()

    def send(self, value: Any) -> Any:
        """Run until the next suspension (coroutine protocol)."""
        if self._coroutine is None:
            self._use()
            self._coroutine = self._collect()
        return self._coroutine.send(value)

    def throw(self, *error: Any) -> Any:
        """Raise an error at the suspension point (coroutine protocol).

        If a task is cancelled before its first step, the error is thrown into a batch
        that has not begun; its inputs are then recorded as not sent.
        """
        if self._coroutine is None:
            self._use()
            self._abandon()
            self._coroutine = self._collect()
        return self._coroutine.throw(*error)

    def close(self) -> None:
        """Close the batch (coroutine protocol); an unused one then does not warn."""
        self._used = True
        if self._coroutine is not None:
            self._coroutine.close()

    def __del__(self) -> None:
        if not self._used:
            warnings.warn(
                f"The batch {self._operation.name} was neither awaited nor entered, so "
                "nothing was sent.",
                RuntimeWarning,
                stacklevel=2,
                source=self,
            )

    def __repr__(self) -> str:
        return f"<Batch {self._operation.name}>"

    if not TYPE_CHECKING:  # type checkers report these without our help
        # Python finds `__len__` before it takes a batch for true.
        def __bool__(self) -> bool:
            return True

        def __enter__(self) -> NoReturn:
            raise TypeError(
                f"The batch {self._operation.name} is entered with `async with ... as "
                "outcomes:`, or awaited. Without asyncio, use `with HubBatch.sync() as "
                "hub:`."
            )

        def __exit__(self, *_: object) -> NoReturn:
            raise AssertionError("unreachable")

        def __aiter__(self) -> NoReturn:
            raise TypeError(
                f"The batch {self._operation.name} cannot be iterated directly. Write "
                "`async with ... as outcomes:` and then `async for outcome in "
                "outcomes:`."
            )

        def __iter__(self) -> NoReturn:
            raise TypeError(
                f"The batch {self._operation.name} must be awaited first. Write "
                "`response = await ...` and then use `response.results` or "
                "`response.outcomes`."
            )

        def __getitem__(self, index: object) -> NoReturn:
            iter(self)

        __len__ = __iter__

        def __getattr__(self, name: str) -> NoReturn:
            if name.startswith("_") or not hasattr(CombinedResponse, name):
                raise AttributeError(f"'Batch' object has no attribute {name!r}")
            raise AttributeError(
                f"The batch {self._operation.name} must be awaited first. Write "
                f"`response = await ...` and then use `response.{name}`. Afterwards "
                f"`batch.response.{name}` has it too."
            )

    async def _collect(self) -> CombinedResponse[R]:
        collector: Collector[R] = Collector(self._operation)
        run = self._new_run(collector)
        failure: HubBatchError | None = None
        try:
            await self._execute(run)
        except HubBatchError as error:
            failure = error
        finally:
            self.response = collector.response()
        if failure is None:
            return self.response
        failure.response = self.response
        raise failure

    def _abandon(self) -> None:
        """Record the inputs of a batch that was cancelled before its first step."""
        collector: Collector[R] = Collector(self._operation)
        run = self._new_run(collector)
        run.abandon(self._source)
        self.response = collector.response()

    # ---- stream it

    async def __aenter__(self) -> Stream[R]:
        stream: Stream[R] = Stream(self._operation)
        run = self.begin(stream, ready=stream.ready)
        stream.summary = run.summary
        self._entered = stream, run
        stream.start(self.feed(run))
        return stream

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        assert self._entered is not None  # noqa: S101 -- set by __aenter__
        stream, run = self._entered
        if not self._begun:
            run.abandon(self._source)
        await stream.stop()

    # ---- any other sink

    def begin(
        self,
        sink: OutcomeSink,
        *,
        ready: Ready = always_ready,
        journal: JournalHook | None = None,
        maybe_sent: bool = False,
    ) -> Run:
        """Return a run whose outcomes go to `sink`; pass it to `feed` to start it.

        `RunOptions` describes the keyword arguments.
        """
        self._use()
        options = evolve(
            self._options,
            ready=ready,
            journal=journal or NoJournalHook(),
            maybe_sent=maybe_sent,
        )
        return self._new_run(sink, options)

    async def feed(self, run: Run) -> None:
        """Execute a run from `begin` on the source; raise the error that ended it."""
        self._begun = True
        await self._execute(run)

    async def _execute(self, run: Run) -> None:
        await self._state.execute(run, self._source, watch=self._options.watch)

    def _new_run(self, sink: OutcomeSink, options: RunOptions | None = None) -> Run:
        run = self._state.new_run(self._operation, sink, options or self._options)
        self.summary = run.summary
        return run

    def _use(self) -> None:
        if self._used:
            raise RuntimeError(
                f"The batch {self._operation.name} was used already. Call the verb "
                "again for another one."
            )
        self._used = True
        self._state.check_open()


def _failure_limit(
    max_failures: int | str | None, operation: Operation, source: Source
) -> FailureLimit | None:
    if max_failures is None:
        return None
    number, share = parse_max_failures(max_failures)
    return FailureLimit(operation.object_type, number, share, length(source))

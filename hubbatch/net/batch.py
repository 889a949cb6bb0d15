"""A batch as its caller holds it: awaited, or entered and iterated over."""

import warnings

from collections.abc import (
    AsyncIterable,
    Coroutine,
    Generator,
    Iterable,
    Mapping,
)
from contextlib import AbstractAsyncContextManager
from copy import copy
from types import TracebackType
from typing import Any, Generic

from attrs import evolve

from hubbatch.core.calls import Operation
from hubbatch.core.collecting import Collector, CombinedResponse
from hubbatch.core.outcomes import Summary
from hubbatch.core.stopping import FailureWatch, parse_max_failures
from hubbatch.errors import HubBatchError
from hubbatch.models import R

from .engine import Engine
from .intake import Source, length
from .journaling import Journal, NoJournal
from .permit_queue import Lane
from .recorder import OutcomeSink
from .run_options import LINGER, Completing, Ready, RunOptions, always_ready
from .running import Run
from .streaming import Stream


# Iterable, but a single input.
_SINGLE = (str, bytes, bytearray, memoryview, Mapping)


class Batch(
    Coroutine[Any, Any, CombinedResponse[R]],
    AbstractAsyncContextManager[Stream[R]],
    Generic[R],
):
    """One call of a verb. `await` it, or enter it with `async with`; once.

    Attributes:
        response: the combined response once the batch was awaited, also after a
            timeout, a cancellation or an error; None before that.
        summary: the counts, which grow while it runs.
    """

    def __init__(
        self,
        engine: Engine,
        operation: Operation,
        source: Source,
        *,
        linger: float = LINGER,
        isolate: bool = True,
        max_failures: int | str | None = None,
        lane: Lane = Lane.BULK,
        complete: Completing | None = None,
    ) -> None:
        self._used = True  # so that one which is refused here does not warn
        self.response: CombinedResponse[R] | None = None
        self.summary: Summary = Summary()
        self._engine = engine
        self._operation = operation
        self._source = _checked(source)
        if not isinstance(isolate, bool):
            raise TypeError(f"isolate must be True or False, not {isolate!r}")
        if isinstance(linger, bool) or not isinstance(linger, int | float):
            raise TypeError(f"linger must be a number of seconds, not {linger!r}")
        if not linger >= 0:
            raise ValueError(f"linger must not be below zero, but is {linger!r}")
        self._options = RunOptions(
            lane=lane,
            linger=linger,
            isolate=isolate,
            watch=_watch(max_failures, operation, source),
            complete=complete,
        )
        self._used = False
        self._coroutine: Coroutine[Any, Any, CombinedResponse[R]] | None = None
        self._entered: tuple[Stream[R], Run] | None = None
        self._begun = False  # the task of the stream has had a turn

    # ---- collect

    def __await__(self) -> Generator[Any, Any, CombinedResponse[R]]:
        self._use()
        self._coroutine = self._collect()
        return self._coroutine.__await__()

    def send(self, value: Any) -> Any:
        """Step, as a task does with a coroutine."""
        if self._coroutine is None:
            self._use()
            self._coroutine = self._collect()
        return self._coroutine.send(value)

    def throw(self, *error: Any) -> Any:
        """Step with an error, as a task does that is cancelled."""
        if self._coroutine is None:
            self._use()
            self._abandon()
            self._coroutine = self._collect()
        return self._coroutine.throw(*error)

    def close(self) -> None:
        """Close, as a coroutine that nobody will await."""
        self._used = True
        if self._coroutine is not None:
            self._coroutine.close()

    def __del__(self) -> None:
        if not self._used:
            warnings.warn(
                f"{self!r} was neither awaited nor entered, so nothing was sent",
                RuntimeWarning,
                stacklevel=2,
                source=self,
            )

    def __repr__(self) -> str:
        return f"<Batch {self._operation.name}>"

    async def _collect(self) -> CombinedResponse[R]:
        collector: Collector[R] = Collector(self._operation)
        run = self._run(collector)
        failure: HubBatchError | None = None
        with self._engine.busy():
            try:
                await run.execute(self._source)
            except HubBatchError as error:
                failure = copy(error)
            finally:
                self.response = collector.response()
            if failure is None:
                return self.response
            await self._engine.date(failure, self._operation)
        failure.response, failure.summary = self.response, self.summary
        raise failure

    def _abandon(self) -> None:
        """Account for a batch that was cancelled before its first step."""
        collector: Collector[R] = Collector(self._operation)
        run = self._run(collector)
        run.abandon(self._source)
        self.response = collector.response()

    # ---- stream

    async def __aenter__(self) -> Stream[R]:
        self._use()
        stream: Stream[R] = Stream(self._operation)
        run = self._run(stream, evolve(self._options, ready=stream.ready))
        self._entered = stream, run
        stream.start(self.feed(run))
        return stream

    def _run(self, sink: OutcomeSink, options: RunOptions | None = None) -> Run:
        run = self._engine.run(self._operation, sink, options or self._options)
        self.summary = run.summary
        return run

    # ---- any other door

    @property
    def operation(self) -> Operation:
        """The call that it makes."""
        return self._operation

    def begin(
        self,
        sink: OutcomeSink,
        *,
        ready: Ready = always_ready,
        journal: Journal | None = None,
        doubted: bool = False,
    ) -> Run:
        """Make the run whose outcomes go to `sink`; `feed` starts it.

        See `RunOptions` for the keywords.
        """
        self._use()
        options = evolve(
            self._options, ready=ready, journal=journal or NoJournal(), doubted=doubted
        )
        return self._run(sink, options)

    async def feed(self, run: Run) -> None:
        """Let a run take up the source; raise what ends it early."""
        self._begun = True
        with self._engine.busy():
            try:
                await run.execute(self._source)
            except HubBatchError as error:
                failure = copy(error)
                failure.summary = self.summary
                await self._engine.date(failure, self._operation)
                raise failure from None

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        assert self._entered is not None  # noqa: S101 -- it was
        stream, run = self._entered
        if not self._begun:
            run.abandon(self._source)
        await stream.stop()

    def _use(self) -> None:
        if self._used:
            raise RuntimeError(f"{self!r} was used already; call the verb again")
        self._used = True
        self._engine.check_open()


def _watch(
    max_failures: int | str | None, operation: Operation, source: Source
) -> FailureWatch | None:
    if max_failures is None:
        return None
    number, share = parse_max_failures(max_failures)
    return FailureWatch(operation.object_type, number, share, length(source))


def _checked(source: Any) -> Source:
    """Check that a source is a collection or a stream of inputs."""
    if isinstance(source, _SINGLE) or not isinstance(source, Iterable | AsyncIterable):
        raise TypeError(
            "expected an iterable or async iterable of inputs, not one "
            f"{type(source).__name__}; put it into a list"
        )
    return source

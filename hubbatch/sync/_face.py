"""The base classes of all faces without asyncio: how each kind of call is made."""

from collections.abc import (
    AsyncGenerator,
    AsyncIterator,
    Callable,
    Coroutine,
    Generator,
    Mapping,
)
from contextlib import suppress
from queue import SimpleQueue
from typing import Any, Generic, TypeVar

from hubbatch._net.batch import Batch
from hubbatch._outcomes.response import CombinedResponse
from hubbatch._verbs import show_options
from hubbatch.client import HubBatch

from ._background import Background, Inbox
from ._portal import Portal
from ._source import CallerSource, readable_from
from ._stream import SyncStream


A = TypeVar("A")
F = TypeVar("F")
R = TypeVar("R")
T = TypeVar("T")

Kind = Callable[[Portal, Callable[[HubBatch], Any]], F]
"""A face's class."""

_END: Any = object()


class Face(Generic[A]):
    """An object of the async client, for code without asyncio.

    It looks its async object up for each call, since a forked process has a new client.
    """

    def __init__(self, portal: Portal, find: Callable[[HubBatch], A]) -> None:
        find(portal.client)  # raises for wrong arguments
        self._portal = portal
        self._find = find

    def __repr__(self) -> str:
        shown, kind = repr(self._async), f"<{type(self._async).__name__}"
        types = shown.removeprefix(kind) if shown.startswith(kind) else ">"
        return f"<{type(self).__name__}{types}"

    @property
    def _async(self) -> A:
        return self._find(self._portal.client)

    def _call(
        self, verb: Callable[..., Coroutine[Any, Any, T]], *args: Any, **options: Any
    ) -> T:
        """Call an async function in the event loop."""
        return self._portal.open().wait(lambda: verb(*args, **options))

    def _evaluate(self, function: Callable[[], T]) -> T:
        """Call a function in the event loop."""

        async def work() -> T:
            return function()

        return self._portal.open().wait(work)

    def _set(self, name: str, value: object) -> None:
        """Set an attribute in the event loop."""
        self._evaluate(lambda: setattr(self._async, name, value))

    def _iterate(
        self, verb: Callable[..., AsyncIterator[T]], *args: Any, **options: Any
    ) -> Generator[T, None, None]:
        """Iterate over an async iterator; each step runs in the event loop."""
        return self._steps(self._portal.open(), verb(*args, **options))

    def _steps(
        self, background: Background, iterator: AsyncIterator[T]
    ) -> Generator[T, None, None]:
        async def step() -> T:
            return await anext(iterator, _END)

        async def close() -> None:
            if isinstance(iterator, AsyncGenerator):
                await iterator.aclose()

        try:
            while (value := background.wait(step)) is not _END:
                yield value
        finally:
            # Without waiting: nothing runs between two steps, and a generator that is
            # destroyed at the end of the program could not wait.
            background.close_soon(close)

    def _face(self, kind: Kind[F], name: str, *args: Any, **options: Any) -> F:
        """Return what a method of the async object returns."""
        return kind(
            self._portal, lambda hub: getattr(self._find(hub), name)(*args, **options)
        )

    def _face_of(
        self, kinds: Mapping[type, Kind[F]], name: str, *args: Any, **options: Any
    ) -> F:
        """Return what a method that returns one of several kinds returns."""
        found = getattr(self._async, name)(*args, **options)
        return self._face(kinds[type(found)], name, *args, **options)

    def _part(self, kind: Kind[F], name: str) -> F:
        """Return an attribute of the async object."""
        return kind(self._portal, lambda hub: getattr(self._find(hub), name))


class Verbs(Face[A]):
    """Base of the classes whose methods are batch verbs.

    **What every verb does.** It takes any number of inputs, from an iterable or a
    table, and the keyword arguments of `Options`. It sends them, waits, and returns one
    combined response. An input that is invalid, or that HubSpot refuses, becomes a
    failed outcome and does not stop the others. Iterators (generators, database
    cursors) are read in the calling thread. `stream` has the same verbs with bounded
    memory.

    A verb raises `TypeError` if the inputs are not a collection (a string, or a single
    input without a list around it) or an option is unknown or of the wrong type, and
    `ValueError` if an option has an impossible value or HubSpot has no such verb for
    the object type.

    It raises `AuthenticationError`, `PermissionDeniedError`, `InvalidRequestError`,
    `ProxyError`, `CertificateError` or `DailyLimitReached` when no further chunk can
    succeed; `HubSpotUnavailable` when no request gets a usable answer, or several
    chunks in a row use up their retries; `TooManyFailures` (see `Options`);
    `RuntimeError` if the client is closed; and any exception from the source. Ctrl-C
    cancels the batch and raises `KeyboardInterrupt` once it has ended. Each of these
    exceptions that ends a batch reports the work done until then as its attribute
    `response`.
    """

    def __init_subclass__(cls) -> None:
        """Add the paragraphs above, and the options to the signatures, for `help()`."""
        super().__init_subclass__()
        _document(cls, Verbs)

    def _collect(
        self, verb: Callable[..., Batch[R]], source: Any, **options: Any
    ) -> CombinedResponse[R]:
        """Send a batch, wait, and return its response."""
        background = self._portal.open()
        inbox: Inbox = SimpleQueue()
        inputs = readable_from(source, inbox)
        batch = verb(inputs, **options)
        try:
            return background.wait(lambda: batch, inbox)
        except BaseException as error:
            if batch.response is not None:
                with suppress(AttributeError):  # an exception with slots
                    error.response = batch.response  # type: ignore[attr-defined] # documented above
            if isinstance(inputs, CallerSource):
                inputs.shorten(error)
            raise


class StreamVerbs(Face[A]):
    """Base of the classes whose methods return streams.

    **What every verb does.** It returns a `SyncStream`: enter it with `with`, and
    iterate over its outcomes as they become known. Otherwise it works as the verb that
    returns a response. `KeyboardInterrupt` and other exceptions leave the block, which
    cancels the batch.
    """

    def __init_subclass__(cls) -> None:
        """Add the paragraph above, and the options to the signatures, for `help()`."""
        super().__init_subclass__()
        _document(cls, StreamVerbs)

    def _stream(
        self, verb: Callable[..., Batch[R]], source: Any, **options: Any
    ) -> SyncStream[R]:
        """Return the stream of a batch."""
        background = self._portal.open()
        inbox: Inbox = SimpleQueue()
        inputs = readable_from(source, inbox)
        batch = verb(inputs, **options)
        return SyncStream(self._portal, background, batch, inputs, inbox)


def _document(cls: type, base: type) -> None:
    for member in vars(cls).values():
        if callable(member):
            show_options(member)
    shared = (base.__doc__ or "").partition("\n\n")[2]
    cls.__doc__ = f"{(cls.__doc__ or '').rstrip()}\n\n{shared}"

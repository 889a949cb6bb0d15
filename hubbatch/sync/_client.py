"""The client for code without asyncio."""

from collections.abc import Callable, Coroutine, Iterable
from functools import partial
from types import TracebackType
from typing import Any, Self, TypeVar

from hubbatch.client import HubBatch
from hubbatch.errors import ConfigurationError

from ._faces.client import SyncClient
from ._portal import Portal


T = TypeVar("T")


class SyncHubBatch(SyncClient):
    """A client for one HubSpot account, for scripts, notebooks and threads.

    `HubBatch.sync()` returns it. Enter it with `with`, or call `close` at the end. It
    is `HubBatch` on an event loop in a background thread: every call waits for its
    result. Several threads may share it. It also works where an event loop is running
    already, as in a notebook, but it blocks that loop.

    Ctrl-C cancels the call that waits, and raises `KeyboardInterrupt` once nothing of
    it is running any more. After `os.fork`, the first call of the child starts a loop
    and connections of its own.
    """

    def __init__(
        self, make: Callable[..., HubBatch], *args: Any, **options: Any
    ) -> None:
        if options.get("session") is not None:
            raise ConfigurationError(
                "HubBatch.sync() takes no session: an aiohttp session belongs to the "
                "event loop in which it was created, and this client has its own"
            )
        # A forked process makes its client anew; an iterator would be empty by then.
        if isinstance(options.get("listeners"), Iterable):
            options["listeners"] = [*options["listeners"]]
        super().__init__(Portal(partial(make, *args, **options)), _itself)

    def run(self, work: Callable[[HubBatch], Coroutine[Any, Any, T]]) -> T:
        """Call an async function with the async client, and return its result.

        For what has no counterpart without asyncio, such as a job:
        `hub.run(lambda hub: Job(hub, "upsert", "tickets", rows).run())`.
        """
        return self._call(work, self._async)

    def close(self) -> None:
        """Refuse new calls, wait for running ones, and close the connections.

        An interrupt cancels the running ones.
        """
        self._portal.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


def _itself(hub: HubBatch) -> HubBatch:
    return hub

"""The connection pool, which decides whether a kept connection can be reused.

HTTP/1.1 matches responses to requests only by their order. Bytes that are on a kept
connection before a request is written belong to an earlier request, but would be read
as the response to this one.
"""

import select

from collections.abc import Callable
from weakref import WeakKeyDictionary

import aiohttp

from aiohttp.client_proto import ResponseHandler
from aiohttp.client_reqrep import ClientRequest
from aiohttp.connector import Connection
from aiohttp.tracing import Trace


class Connector(aiohttp.TCPConnector):
    """A pool that reuses a connection only if no bytes arrived on it while idle."""

    # Invariant: a kept connection is reused only if it was handed out in the current
    # generation and has nothing to read. `retire` starts a new generation, so it
    # excludes every connection that is in use or kept at that moment.

    def __init__(self, *, limit: int) -> None:
        super().__init__(limit=limit)
        self._generation = 0
        self._handed_out: WeakKeyDictionary[ResponseHandler, int] = WeakKeyDictionary()

    def retire(self) -> None:
        """Stop reusing the connections that were handed out so far."""
        self._generation += 1

    async def connect(
        self,
        req: ClientRequest,
        traces: list[Trace],
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109 -- aiohttp's signature
    ) -> Connection:
        """Return a kept connection with nothing to read, or a new one."""
        while True:
            connection = await super().connect(req, traces, timeout)
            if self._is_usable(connection):
                return connection
            connection.close()

    def _is_usable(self, connection: Connection) -> bool:
        protocol = connection.protocol
        assert protocol is not None  # noqa: S101 -- not released yet
        before = self._handed_out.get(protocol)
        self._handed_out[protocol] = self._generation
        if before is None:  # new: bytes on it may belong to the TLS handshake
            return True
        return before == self._generation and not _has_unread(protocol)


def _has_unread(protocol: ResponseHandler) -> bool:
    """Return whether bytes have arrived since the last answer, or the peer closed.

    `should_close` covers the bytes that aiohttp has read. Bytes that arrived after the
    event loop last polled the socket are still in the operating system's buffer.
    """
    if protocol.should_close or protocol.transport is None:
        return True
    socket = protocol.transport.get_extra_info("socket")
    return socket is not None and is_readable(socket.fileno())


def by_poll(descriptor: int) -> bool:
    """Return whether reading would not block, for a descriptor of any number."""
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(0))


def by_select(descriptor: int) -> bool:
    """Return whether reading would not block, where `poll` is missing (Windows)."""
    return bool(select.select([descriptor], [], [], 0)[0])


is_readable: Callable[[int], bool] = by_poll if hasattr(select, "poll") else by_select

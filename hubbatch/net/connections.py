"""Kept connections, and which of them are used again.

HTTP/1.1 pairs requests with answers by their order only. Bytes that lie on a kept
connection before a request is written are an answer to nothing, and would be taken for
the answer to that request.
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
    """A pool that uses a connection again only if nothing has come on it meanwhile."""

    def __init__(self, *, limit: int) -> None:
        super().__init__(limit=limit)
        self._generation = 0
        # The generation in which each connection was handed out last.
        self._handed_out: WeakKeyDictionary[ResponseHandler, int] = WeakKeyDictionary()

    def retire(self) -> None:
        """Use no connection again that has been handed out until now."""
        self._generation += 1

    async def connect(
        self,
        req: ClientRequest,
        traces: list[Trace],
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109 -- aiohttp's signature
    ) -> Connection:
        """Return a kept connection that is quiet, or a new one."""
        while True:
            connection = await super().connect(req, traces, timeout)
            if self._is_usable(connection):
                return connection
            connection.close()

    def _is_usable(self, connection: Connection) -> bool:
        protocol = connection.protocol
        assert protocol is not None  # noqa: S101 -- it was not released yet
        before = self._handed_out.get(protocol)
        self._handed_out[protocol] = self._generation
        if before is None:  # a new one; TLS may have more to say on it
            return True
        return before == self._generation and not _has_unread(protocol)


def _has_unread(protocol: ResponseHandler) -> bool:
    """Whether bytes have come since the last answer was read, or the other end left.

    `should_close` knows what aiohttp has read. What has come since the event loop
    looked last is still with the operating system.
    """
    if protocol.should_close or protocol.transport is None:
        return True
    socket = protocol.transport.get_extra_info("socket")
    return socket is not None and is_readable(socket.fileno())


def by_poll(descriptor: int) -> bool:
    """Whether reading would not block, for a descriptor of any number."""
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(0))


def by_select(descriptor: int) -> bool:
    """Whether reading would not block, where there is no `poll`: on Windows."""
    return bool(select.select([descriptor], [], [], 0)[0])


is_readable: Callable[[int], bool] = by_poll if hasattr(select, "poll") else by_select

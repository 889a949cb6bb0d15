"""Sends requests to HubSpot with aiohttp, over connections that it checks first."""

import asyncio
import os
import select
import ssl

from collections.abc import AsyncGenerator, Callable
from contextlib import suppress
from errno import errorcode
from functools import lru_cache, partial
from socket import gaierror
from typing import Protocol
from weakref import WeakKeyDictionary

import aiohttp

from aiohttp.abc import AbstractStreamWriter
from aiohttp.client_proto import ResponseHandler
from aiohttp.client_reqrep import ClientRequest
from aiohttp.connector import Connection
from aiohttp.tracing import Trace
from yarl import URL

from hubbatch._http import Answer, NoAnswer, Request, Response
from hubbatch._wire.records import valid_text
from hubbatch.errors import ConfigurationError

from .event_loops import close_with_loop
from .loopback import is_loopback
from .proxies import proxy_from_env


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


# Far larger than any answer with 100 records. A compressed answer could otherwise
# exhaust the memory.
MAX_ANSWER_BYTES = 256 * 1024 * 1024
# A larger body is written in pieces, so that the event loop gets a turn in between.
_PIECE = 1024 * 1024


class Transport(Protocol):
    """Sends requests to HubSpot; nothing else in hubbatch does."""

    async def send(self, request: Request, on_sent: Callable[[], None]) -> Answer:
        """Send a request; `on_sent` is called when its first byte is written."""
        ...

    def retire(self) -> None:
        """Stop reusing the connections that are open now.

        Called when an answer does not match its request: the next answer on that
        connection may not match either.
        """
        ...

    async def aclose(self) -> None:
        """Close the connections."""
        ...


def check_base_url(base_url: str, *, allow_http: bool) -> URL:
    """Parse the base URL.

    Raises:
        ConfigurationError: If it is not a URL, or would send the token unencrypted.
    """
    try:
        url = URL(base_url)
    except (TypeError, ValueError):
        url = URL()
    if url.scheme not in ("http", "https") or not url.host:
        raise ConfigurationError(
            f"base_url must be a URL such as https://api.hubapi.com, not {base_url!r}."
        )
    if url.user or url.password or url.query_string or url.fragment:
        raise ConfigurationError("base_url must not hold credentials or a query")
    if url.scheme == "http" and not allow_http and not is_loopback(url.host):
        raise ConfigurationError(
            f"base_url {base_url!r} would send the access token without TLS. "
            "Use https (in Python, allow_http=True allows http)."
        )
    return url


class Sessions:
    """A pooled session for each event loop: created on first use, closed with it."""

    # Invariant: `_session` belongs to `_loop`, and `_held` is the generator that closes
    # it before that loop is closed.

    def __init__(self, *, limit: int) -> None:
        self._limit = limit
        self._session: aiohttp.ClientSession | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._held: AsyncGenerator[None, None] | None = None

    async def current(self) -> aiohttp.ClientSession:
        """Return the session of the running loop."""
        loop = asyncio.get_running_loop()
        if self._loop is not loop or self._session is None or self._session.closed:
            former = self._held
            self._session = aiohttp.ClientSession(
                connector=Connector(limit=self._limit),
                cookie_jar=aiohttp.DummyCookieJar(),
            )
            self._loop = loop
            self._held = close_with_loop(partial(_close, self._session))
            await _end(former)
        return self._session

    def retire(self) -> None:
        """Stop reusing the connections that are open now."""
        connector = self._session and self._session.connector
        if isinstance(connector, Connector):
            connector.retire()

    async def aclose(self) -> None:
        """Close the session; a new one is created on the next use."""
        held, self._held = self._held, None
        await _end(held)


async def _close(session: aiohttp.ClientSession) -> None:
    await session.close()
    # aiohttp closes TLS connections in the next iterations of the loop.
    await asyncio.sleep(0)


async def _end(held: AsyncGenerator[None, None] | None) -> None:
    if held is not None:
        # RuntimeError if the loop was closed explicitly: nothing can be awaited in it.
        with suppress(RuntimeError):
            await held.aclose()


class AiohttpTransport:
    """Sends with its own sessions, with shared ones, or with the caller's.

    The session owns the connections: `aclose` closes its own sessions only.
    """

    def __init__(
        self,
        base_url: URL,
        *,
        timeout: float,
        session: aiohttp.ClientSession | Sessions | None = None,
        trust_env: bool = False,
    ) -> None:
        # Most requests have the path of the one before.
        self._url_of = lru_cache(64)(base_url.joinpath)
        self._timeout = aiohttp.ClientTimeout(total=timeout)
        # No connection limit here: the gate limits the requests in flight.
        self._own = Sessions(limit=0) if session is None else None
        self._session = session or self._own
        # The caller's session has settings of its own.
        own = trust_env and not isinstance(session, aiohttp.ClientSession)
        self._proxy = proxy_from_env(base_url) if own else None
        self._route = {} if self._proxy is None else self._proxy.options
        self._headers = {} if self._proxy is None else self._proxy.request_headers
        self._closed = False

    async def send(self, request: Request, on_sent: Callable[[], None]) -> Answer:
        """Send a request and read its answer; return a `NoAnswer` if none arrives."""
        if self._closed:
            # If `aclose` was cancelled, batches may still be running.
            return NoAnswer(sent=False, reason="This client is closed")
        body = _Body(request.body, on_sent)
        try:
            session = await self._open()
            async with session.request(
                request.method,
                self._url_of(request.path.lstrip("/")),
                params=request.query,
                headers={**request.headers, **self._headers},
                data=body,
                timeout=self._timeout,
                allow_redirects=False,
                raise_for_status=False,  # overrides the caller's session
                auto_decompress=True,
                **self._route,
            ) as answer:
                content = await _read_bounded(answer)
                if content is None:
                    return NoAnswer(body.sent, "The answer is larger than 256 MiB")
                return Response(answer.status, answer.headers, content)
        except TimeoutError:
            reason = f"No answer within {self._timeout.total:g} s"
            return NoAnswer(body.sent, reason)
        except aiohttp.ClientConnectorCertificateError as error:
            cause = error.certificate_error
            reason = getattr(cause, "verify_message", "") or str(cause)
            return NoAnswer(body.sent, reason, untrusted=error.host)
        except aiohttp.ClientHttpProxyError as error:
            return NoAnswer(body.sent, error.message, proxy_status=error.status)
        except (aiohttp.ClientError, ssl.SSLError, OSError) as error:
            reason = _describe(error)
            proxy = None if body.sent else self._proxy
            if proxy is not None and proxy.address not in reason:
                reason += f" (through the proxy {proxy.address})"
            return NoAnswer(body.sent, reason)

    def retire(self) -> None:
        """Stop reusing the connections that are open now.

        Has no effect on the caller's own session: its connector chooses connections.
        """
        if isinstance(self._session, Sessions):
            self._session.retire()

    async def aclose(self) -> None:
        """Close its own sessions."""
        self._closed = True
        self._session = None
        if self._own is not None:
            await self._own.aclose()

    async def _open(self) -> aiohttp.ClientSession:
        session = self._session
        if isinstance(session, Sessions):
            return await session.current()
        assert session is not None  # noqa: S101 -- it is set until `aclose`
        return session


class _Body(aiohttp.Payload):
    """The body of one request: calls `on_sent` when its first byte is written.

    aiohttp holds the headers back until then. A request without a body has an empty one
    of these.

    aiohttp itself repeats an idempotent request when a kept connection turns out to be
    closed. The repeat would be sent without a permit and without being counted, so
    writing a body twice raises, and the run retries the request under its own rules.

    Attributes:
        sent: whether the first byte was written.
    """

    def __init__(self, content: bytes, on_sent: Callable[[], None]) -> None:
        super().__init__(content)
        self._size = len(content)
        self._on_sent = on_sent
        self.sent = False

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        """Return the body as a string."""
        return str(self._value, encoding, errors)

    async def write(self, writer: AbstractStreamWriter) -> None:
        """Write the body.

        Raises:
            aiohttp.ClientError: If it was written before.
        """
        if self.sent:
            raise aiohttp.ClientError("a kept connection was closed by the peer")
        self.sent = True
        self._on_sent()
        for start in range(0, len(self._value), _PIECE):
            await writer.write(self._value[start : start + _PIECE])


async def _read_bounded(answer: aiohttp.ClientResponse) -> bytes | None:
    """Read and decode the body; return None if it is too large."""
    parts = []
    size = 0
    async for part in answer.content.iter_any():
        size += len(part)
        if size > MAX_ANSWER_BYTES:
            return None
        parts.append(part)
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _describe(error: BaseException) -> str:
    # If writing the body fails, aiohttp's message quotes the connection, including the
    # password of a proxy. Its cause says what went wrong.
    if type(error) is aiohttp.ClientConnectionError and error.__cause__ is not None:
        error = error.__cause__
    if isinstance(error, aiohttp.ClientConnectorError):
        proxy = isinstance(error, aiohttp.ClientProxyConnectionError)
        host = f"the proxy {error.host}" if proxy else error.host
        return f"Cannot connect to {host}:{error.port}: {_cause(error.os_error)}"
    if isinstance(error, aiohttp.ServerDisconnectedError):
        return "The connection was closed before the answer"
    if isinstance(error, aiohttp.ClientPayloadError):
        return "The answer was cut short or is damaged"
    if isinstance(error, aiohttp.ClientResponseError):
        return "The answer is not HTTP"
    return f"The connection failed: {_cause(error)}"


def _cause(error: BaseException) -> str:
    """Return why a connection failed, in the words of the operating system."""
    if isinstance(error, ssl.SSLError):
        reason = (
            (getattr(error, "reason", None) or "no reason given")
            .replace("_", " ")
            .lower()
        )
        return f"TLS failed ({reason})"
    if isinstance(error, OSError):
        number = error.errno or 0
        # The resolver has numbers of its own.
        if number in errorcode and not isinstance(error, gaierror):
            return os.strerror(number)
        return valid_text(error.strerror or str(error) or type(error).__name__)
    # aiohttp puts nothing that we sent into its messages.
    return valid_text(str(error) or type(error).__name__)

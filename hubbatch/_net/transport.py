"""Sends requests to HubSpot with aiohttp, over connections that it checks first."""

import asyncio
import select
import ssl

from collections.abc import AsyncGenerator, Callable
from contextlib import suppress
from functools import lru_cache, partial
from io import BytesIO
from ipaddress import ip_address
from types import SimpleNamespace
from typing import Protocol
from weakref import WeakKeyDictionary, WeakSet

import aiohttp

from aiohttp.client_proto import ResponseHandler
from aiohttp.client_reqrep import ClientRequest
from aiohttp.connector import Connection
from aiohttp.tracing import Trace
from yarl import URL

from hubbatch._http import Answer, NoAnswer, Request, Response
from hubbatch._wire.records import valid_text
from hubbatch.errors import ConfigurationError

from .event_loops import close_with_loop


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
# aiohttp warns about larger bodies in one piece: writing them blocks the event loop.
_LARGE = 1024 * 1024


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
        raise ConfigurationError(f"base_url must be an http(s) URL, not {base_url!r}")
    if url.user or url.password or url.query_string or url.fragment:
        raise ConfigurationError("base_url must not hold credentials or a query")
    if url.scheme == "http" and not allow_http and not _is_loopback(url.host):
        raise ConfigurationError(
            f"base_url {base_url!r} would send the access token without TLS; "
            "use https (in Python, allow_http=True allows it)"
        )
    return url


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:  # a host name
        return False


class Sessions:
    """A pooled session for each event loop: created on first use, closed with it."""

    # Invariant: `_session` belongs to `_loop`, and `_held` is the generator that closes
    # it before that loop is closed.

    def __init__(self, *, limit: int, trust_env: bool) -> None:
        self._limit = limit
        self._trust_env = trust_env
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
                trace_configs=[_TRACING],
                trust_env=self._trust_env,
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
        self._own = Sessions(limit=0, trust_env=trust_env) if session is None else None
        self._session = session or self._own
        self._closed = False

    async def send(self, request: Request, on_sent: Callable[[], None]) -> Answer:
        """Send a request and read its answer; return a `NoAnswer` if none arrives."""
        if self._closed:
            # If `aclose` was cancelled, batches may still be running.
            return NoAnswer(sent=False, reason="this client is closed")
        progress = _SendProgress(on_sent)
        try:
            session = await self._open()
            async with session.request(
                request.method,
                self._url_of(request.path.lstrip("/")),
                params=request.query,
                headers=request.headers,
                data=_payload(request.body),
                timeout=self._timeout,
                allow_redirects=False,
                raise_for_status=False,  # overrides the caller's session
                auto_decompress=True,
                trace_request_ctx=progress,
            ) as answer:
                body = await _read_bounded(answer)
                if body is None:
                    return NoAnswer(progress.sent, "the answer is larger than 256 MiB")
                return Response(answer.status, answer.headers, body)
        except TimeoutError:
            reason = f"no answer within {self._timeout.total:g} s"
            return NoAnswer(progress.sent, reason)
        except aiohttp.ClientConnectorCertificateError as error:
            cause = error.certificate_error
            reason = getattr(cause, "verify_message", "") or str(cause)
            return NoAnswer(progress.sent, reason, untrusted=error.host)
        except aiohttp.ClientHttpProxyError as error:
            return NoAnswer(progress.sent, error.message, proxy_status=error.status)
        except (aiohttp.ClientError, ssl.SSLError, OSError) as error:
            return NoAnswer(progress.sent, _describe(error))

    def retire(self) -> None:
        """Stop reusing the connections that are open now.

        Has no effect on the caller's own session: its connector chooses connections.
        """
        if isinstance(self._session, Sessions):
            self._session.retire()

    async def aclose(self) -> None:
        """Close its own sessions."""
        self._closed = True
        session, self._session = self._session, None
        if self._own is not None:
            await self._own.aclose()
        elif isinstance(session, aiohttp.ClientSession):
            users = _users.get(session)
            if users:
                users.discard(self)
                if not users:
                    session.trace_configs.remove(_TRACING)

    async def _open(self) -> aiohttp.ClientSession:
        session = self._session
        if isinstance(session, Sessions):
            return await session.current()
        assert session is not None  # noqa: S101 -- it is set until `aclose`
        users = _users.setdefault(session, WeakSet())
        users.add(self)
        if _TRACING not in session.trace_configs:
            session.trace_configs.append(_TRACING)
        return session


class _SendProgress:
    """Tracks how far a request was sent; raises if aiohttp tries to send it again.

    aiohttp itself repeats an idempotent request when a kept connection turns out to be
    closed. The repeat would be sent without a permit and without being counted, so it
    is stopped before its first byte, and the run retries it under its own rules.
    """

    def __init__(self, on_sent: Callable[[], None]) -> None:
        self.sent = False
        self._begun = False
        self._on_sent = on_sent

    def begin(self) -> None:
        """Record that the headers are about to be written.

        Raises:
            aiohttp.ClientError: If they were written before.
        """
        if self._begun:
            raise aiohttp.ClientError("a kept connection was closed by the peer")
        self._begun = True

    def first_part_sent(self) -> None:
        """Record that the first part was written."""
        if not self.sent:
            self.sent = True
            self._on_sent()


async def _on_headers_sent(
    _session: aiohttp.ClientSession,
    context: SimpleNamespace,
    params: aiohttp.TraceRequestHeadersSentParams,
) -> None:
    # Despite its name, aiohttp calls this just before it writes.
    progress = _progress(context)
    if progress is not None:
        progress.begin()
        if params.method == "GET":  # no body follows
            progress.first_part_sent()


async def _on_sent(
    _session: aiohttp.ClientSession, context: SimpleNamespace, _params: object
) -> None:
    progress = _progress(context)
    if progress is not None:
        progress.first_part_sent()


def _progress(context: SimpleNamespace) -> _SendProgress | None:
    # None for the caller's own requests on a shared session.
    progress = getattr(context, "trace_request_ctx", None)
    return progress if isinstance(progress, _SendProgress) else None


def _tracing() -> aiohttp.TraceConfig:
    tracing = aiohttp.TraceConfig()
    # aiohttp holds the headers back until the first part of the body is written. So a
    # request with a body leaves at this event, not at the one for headers.
    tracing.on_request_chunk_sent.append(_on_sent)
    tracing.on_request_headers_sent.append(_on_headers_sent)
    tracing.freeze()
    return tracing


# One for all transports, because aiohttp runs every request through all trace configs
# of its session, and the clients of many accounts may share a session. Each request
# carries its own `_SendProgress`. `_users` holds the transports that use a session of
# the caller's; the last one to close removes `_TRACING` from it.
_TRACING = _tracing()
_users: WeakKeyDictionary[aiohttp.ClientSession, WeakSet["AiohttpTransport"]] = (
    WeakKeyDictionary()
)


def _payload(body: bytes) -> bytes | BytesIO | None:
    """Return a body for aiohttp; a large one is written in pieces."""
    return BytesIO(body) if len(body) > _LARGE else body or None


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


def _describe(error: Exception) -> str:
    # The message of a connection error contains host and port, and nothing we sent.
    message = valid_text(str(error) or type(error).__name__)
    return f"connection failed: {message}"

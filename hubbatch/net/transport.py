"""aiohttp, and nothing else of the network: a request goes in, an answer comes out."""

import asyncio
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

from yarl import URL

from hubbatch.core.answers import Answer, NoAnswer, Request, Response
from hubbatch.core.codec import valid_text
from hubbatch.errors import ConfigurationError

from .connections import Connector
from .loops import close_with_loop


# No answer of 100 records comes near it; a compressed one could go far beyond.
MAX_ANSWER_BYTES = 256 * 1024 * 1024
# aiohttp warns of more in one piece, because that holds up the event loop.
_LARGE = 1024 * 1024


class Transport(Protocol):
    """The only way out."""

    async def send(self, request: Request, on_sent: Callable[[], None]) -> Answer:
        """Send a request; `on_sent` is called when its first byte is written."""
        ...

    def retire(self) -> None:
        """Send no further request on a connection that is open now.

        An answer on one of them was to another request, and so may the next be.
        """
        ...

    async def aclose(self) -> None:
        """Let go of what it holds."""
        ...


def check_base_url(base_url: str, *, allow_http: bool) -> URL:
    """Parse the base URL.

    Raises:
        ConfigurationError: if it is none, or would send the token in the clear.
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
    except ValueError:  # another name
        return False


class Sessions:
    """Pooled sessions, one for each event loop: made on first use, closed with it."""

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
        """Send no further request on a connection that is open now."""
        connector = self._session and self._session.connector
        if isinstance(connector, Connector):
            connector.retire()

    async def aclose(self) -> None:
        """Close the session; another is made if it is used again."""
        held, self._held = self._held, None
        await _end(held)


async def _close(session: aiohttp.ClientSession) -> None:
    await session.close()
    # aiohttp closes TLS connections on the loop's next turns.
    await asyncio.sleep(0)


async def _end(held: AsyncGenerator[None, None] | None) -> None:
    if held is not None:
        # A loop that was closed without its generators is past helping.
        with suppress(RuntimeError):
            await held.aclose()


class AiohttpTransport:
    """Sends over sessions of its own, or shared ones, or one of the caller's."""

    def __init__(
        self,
        base_url: URL,
        *,
        timeout: float,
        session: aiohttp.ClientSession | Sessions | None = None,
        trust_env: bool = False,
    ) -> None:
        # Most requests go where the one before went.
        self._url_of = lru_cache(64)(base_url.joinpath)
        self._timeout = aiohttp.ClientTimeout(total=timeout)
        # The gate bounds how many connections there are.
        self._own = Sessions(limit=0, trust_env=trust_env) if session is None else None
        self._session = session or self._own
        self._closed = False

    async def send(self, request: Request, on_sent: Callable[[], None]) -> Answer:
        """Send a request and read the answer to its end, or say why there is none."""
        if self._closed:
            # A batch may outlive a client whose closing was cancelled.
            return NoAnswer(sent=False, reason="this client is closed")
        leaving = _Leaving(on_sent)
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
                raise_for_status=False,  # whatever a shared session prefers
                auto_decompress=True,
                trace_request_ctx=leaving,
            ) as answer:
                body = await _read_bounded(answer)
                if body is None:
                    return NoAnswer(leaving.sent, "the answer is larger than 256 MiB")
                return Response(answer.status, answer.headers, body)
        except TimeoutError:
            reason = f"no answer within {self._timeout.total:g} s"
            return NoAnswer(leaving.sent, reason)
        except aiohttp.ClientConnectorCertificateError as error:
            cause = error.certificate_error
            reason = getattr(cause, "verify_message", "") or str(cause)
            return NoAnswer(leaving.sent, reason, untrusted=error.host)
        except aiohttp.ClientHttpProxyError as error:
            return NoAnswer(leaving.sent, error.message, proxy_status=error.status)
        except (aiohttp.ClientError, ssl.SSLError, OSError) as error:
            return NoAnswer(leaving.sent, _describe(error))

    def retire(self) -> None:
        """Send no further request on a connection that is open now.

        The connections of a session that the caller made are the caller's: aiohttp
        offers no way to choose among them.
        """
        if isinstance(self._session, Sessions):
            self._session.retire()

    async def aclose(self) -> None:
        """Close the session, unless it is the caller's."""
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
        assert session is not None  # noqa: S101 -- it is until this is closed
        users = _users.setdefault(session, WeakSet())
        users.add(self)
        if _TRACING not in session.trace_configs:
            session.trace_configs.append(_TRACING)
        return session


class _Leaving:
    """One request on its way out, which is written once and no more.

    aiohttp sends an idempotent request again, on its own, when a kept connection turns
    out to be closed. Nothing would count that second request, nor wait for a permit:
    it is stopped before its first byte, and the engine sends it again itself.
    """

    def __init__(self, on_sent: Callable[[], None]) -> None:
        self.sent = False
        self._begun = False
        self._on_sent = on_sent

    def begin(self) -> None:
        """Note that headers are about to be written.

        Raises:
            aiohttp.ClientError: if they were before.
        """
        if self._begun:
            raise aiohttp.ClientError("a kept connection was closed by the other end")
        self._begun = True

    def note(self) -> None:
        """Note that a first part is written."""
        if not self.sent:
            self.sent = True
            self._on_sent()


async def _on_headers_sent(
    _session: aiohttp.ClientSession,
    context: SimpleNamespace,
    params: aiohttp.TraceRequestHeadersSentParams,
) -> None:
    # aiohttp calls this, in spite of its name, just before it writes.
    leaving = _ours(context)
    if leaving is not None:
        leaving.begin()
        if params.method == "GET":  # there is no body to wait for
            leaving.note()


async def _on_sent(
    _session: aiohttp.ClientSession, context: SimpleNamespace, _params: object
) -> None:
    leaving = _ours(context)
    if leaving is not None:
        leaving.note()


def _ours(context: SimpleNamespace) -> _Leaving | None:
    """Return what a request carries; a shared session also sends others."""
    leaving = getattr(context, "trace_request_ctx", None)
    return leaving if isinstance(leaving, _Leaving) else None


def _tracing() -> aiohttp.TraceConfig:
    tracing = aiohttp.TraceConfig()
    # aiohttp holds headers back until the first part of the body is written, so
    # this, and not the event for headers, is when a request with a body leaves.
    tracing.on_request_chunk_sent.append(_on_sent)
    tracing.on_request_headers_sent.append(_on_headers_sent)
    tracing.freeze()
    return tracing


# One for all: each request carries whom to tell. The clients of many accounts may
# share a session, and every request runs through all that it has.
_TRACING = _tracing()
_users: WeakKeyDictionary[aiohttp.ClientSession, WeakSet["AiohttpTransport"]] = (
    WeakKeyDictionary()
)


def _payload(body: bytes) -> bytes | BytesIO | None:
    """Give aiohttp a body; a large one in a form that it writes piece by piece."""
    return BytesIO(body) if len(body) > _LARGE else body or None


async def _read_bounded(answer: aiohttp.ClientResponse) -> bytes | None:
    """Read the body as it is decoded; None if there is too much of it."""
    parts = []
    size = 0
    async for part in answer.content.iter_any():
        size += len(part)
        if size > MAX_ANSWER_BYTES:
            return None
        parts.append(part)
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _describe(error: Exception) -> str:
    # The text of a connection error names host and port, and nothing that was sent.
    text = valid_text(str(error) or type(error).__name__)
    return f"connection failed: {text}"

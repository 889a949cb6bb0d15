"""The simulator as an HTTP server on this machine."""

import asyncio
import functools
import time

from collections import deque
from collections.abc import Callable, Collection
from datetime import UTC, datetime
from types import TracebackType
from typing import Literal, Self
from weakref import WeakSet

from aiohttp import web

from hubbatch.simulator.api.apps import LIFETIME, Apps
from hubbatch.simulator.api.hubspot import HubSpot, Reply
from hubbatch.simulator.clocks import Clock
from hubbatch.simulator.crm.accounts import Account
from hubbatch.simulator.crm.store import Store
from hubbatch.simulator.faults.faults import Faults
from hubbatch.simulator.masking import masked
from hubbatch.simulator.server.malformed import QuietServer
from hubbatch.simulator.server.page_data import answer_for
from hubbatch.simulator.server.received import Received
from hubbatch.simulator.server.sending import BODY_BYTES, make_request, send
from hubbatch.simulator.server.threads import Background
from hubbatch.simulator.wire import Request, seeded_random


# Recorded batches took about 3 ms per record; the 30 ms stand for a round trip.
REALISTIC_SECONDS = 0.030
REALISTIC_SECONDS_A_RECORD = 0.003
# An integrator met 414s above some 16,200 characters.
MAX_URL = 16_200
# What aiohttp reads of a first line; it answers 400 to longer ones.
_MAX_LINE = 128 * 1024
# The number of requests on the page at `/`.
_RECENT_REQUESTS = 50


class Simulator:
    """A local HubSpot server for tests.

    Use it with `async with`, which serves from the running event loop, or with `with`,
    which serves from a thread.

    Args:
        tier: The subscription whose rate limits apply: "starter", "professional",
            "enterprise", "increased" (the API limit add-on), or "oauth" (a public app).
        seed: The seed of ids, tokens, the order of results, and chaos.
        host: The address to listen on.
        port: The port to listen on; 0 picks a free one.
        limit: Requests per ten seconds, instead of the tier's.
        latency: Seconds per request, or "realistic": 30 ms and 3 ms per record.
        portal_id: The id of the account.
        clock: A monotonic clock in seconds; windows and dates follow it.
        started: The date at which the clock starts; now by default.
        max_body: The maximum size of a body in bytes; larger ones get a 413.
        keep_requests: Whether to log the requests in `requests`.
        on_request: Called after each request, for example to log it.

    Attributes:
        token: An access token of the account.
        requests: The received requests, oldest first, with their secrets masked.
        faults: The faults to inject, and the quirks.

    Raises:
        ValueError: If the tier is unknown or the limit negative.
    """

    def __init__(
        self,
        *,
        tier: str = "professional",
        seed: int = 0,
        host: str = "127.0.0.1",
        port: int = 0,
        limit: int | None = None,
        latency: float | Literal["realistic"] = 0.0,
        portal_id: int = 62515,
        clock: Callable[[], float] = time.monotonic,
        started: datetime | None = None,
        max_body: int = BODY_BYTES,
        keep_requests: bool = True,
        on_request: Callable[[Received], None] | None = None,
    ) -> None:
        start = started or datetime.now(UTC)
        self.clock: Clock = Clock(clock, clock(), round(start.timestamp() * 1000))
        self.faults: Faults = Faults(seeded_random(f"faults {seed}"))
        rng = seeded_random(f"world {seed}")
        self.apps: Apps = Apps(self.clock, rng)
        self.hubspot: HubSpot = HubSpot(self.clock, self.faults, rng, self.apps)
        self.account: Account = self.apps.account(portal_id, tier)
        self.token: str = self.apps.install(self.account, tier, limit=limit).value
        self.requests: list[Received] = []
        self._recent: deque[Received] = deque(maxlen=_RECENT_REQUESTS)
        self._tier = tier
        self._address = (host, port)
        self._latency = latency
        self._max_body = max_body
        # Connections that have carried a request, for `When(kept=True)`.
        self._kept_transports: WeakSet[asyncio.BaseTransport] = WeakSet()
        self._keep_requests = keep_requests
        self._on_request = on_request
        self._runner: web.ServerRunner | None = None
        self._background: Background | None = None
        self._url: str | None = None

    @property
    def url(self) -> str:
        """The base URL of the server.

        Raises:
            RuntimeError: If the simulator is not running.
        """
        if self._url is None:
            raise RuntimeError(
                "the simulator is not running: use it with `with` or `async with`"
            )
        return self._url

    @property
    def store(self) -> Store:
        """The records of the first account, to create and inspect."""
        return self.account.store

    def open_account(self, portal_id: int, tier: str | None = None) -> Account:
        """Return the account with this portal id, created on first use.

        Raises:
            ValueError: If the tier is unknown.
        """
        return self.apps.account(portal_id, tier or self._tier)

    def issue_token(
        self,
        *,
        tier: str | None = None,
        account: Account | None = None,
        limit: int | None = None,
        scopes: Collection[str] | None = None,
        expires_in: float | None = None,
        app_id: int | None = None,
        edits_associations: bool = True,
        value: str | None = None,
    ) -> str:
        """Return a new access token.

        Args:
            tier: The tier whose limits apply; the simulator's by default.
            account: The account; the first one by default.
            limit: Requests per ten seconds, instead of the tier's.
            scopes: The granted scopes; all by default.
            expires_in: Seconds until the token expires; never by default.
            app_id: The app; tokens of one app share its windows. A new app by default.
            edits_associations: Whether the app's user has the permission "Edit
                associations".
            value: The token; a random one by default.

        Raises:
            ValueError: If the tier is unknown or the limit negative.
        """
        lifetime = None if expires_in is None else round(expires_in * 1000)
        return self.apps.install(
            account or self.account,
            tier or self._tier,
            limit=limit,
            scopes=scopes,
            expires=None if lifetime is None else self.clock.ms() + lifetime,
            app_id=app_id,
            edits_associations=edits_associations,
            value=value,
        ).value

    def register_app(
        self,
        client_id: str,
        client_secret: str,
        *,
        redirect_uris: Collection[str] = (),
        scopes: Collection[str] | None = None,
    ) -> None:
        """Add a public app, which users install at `/oauth/authorize`.

        Args:
            client_id: The client id that a token request must contain.
            client_secret: The client secret that a token request must contain.
            redirect_uris: Where users may be sent back to.
            scopes: The scopes that it may ask for; all by default.
        """
        self.apps.register(client_id, client_secret, redirect_uris, scopes)

    def install_app(
        self,
        client_id: str,
        client_secret: str,
        *,
        account: Account | None = None,
        scopes: Collection[str] | None = None,
        lifetime: float = LIFETIME,
        refresh_token: str | None = None,
    ) -> str:
        """Install a public app and return its refresh token.

        An app can be installed in several accounts, each with its own refresh token.

        Args:
            client_id: The client id that a token request must contain.
            client_secret: The client secret that a token request must contain.
            account: The account; the first one by default.
            scopes: The granted scopes; all by default.
            lifetime: The seconds until an access token expires.
            refresh_token: The refresh token; a made-up one by default.
        """
        app = self.apps.registered.get(client_id)
        if app is None or app.client_secret != client_secret:
            app = self.apps.register(client_id, client_secret)
        return self.apps.add_installation(
            app,
            account or self.account,
            None if scopes is None else frozenset(scopes),
            lifetime=lifetime,
            refresh_token=refresh_token,
        )

    def issue_code(
        self,
        client_id: str,
        redirect_uri: str,
        *,
        account: Account | None = None,
        scopes: Collection[str] | None = None,
        value: str | None = None,
    ) -> str:
        """Return a code that a registered app can exchange, once.

        Args:
            client_id: The client id of the app.
            redirect_uri: The redirect URI that the token request must contain.
            account: The account that installs the app; the first one by default.
            scopes: The granted scopes; all by default.
            value: The code; a random one by default.

        Raises:
            KeyError: If the app is unknown.
        """
        return self.apps.issue_code(
            self.apps.registered[client_id],
            account or self.account,
            redirect_uri,
            scopes=None if scopes is None else frozenset(scopes),
            value=value,
        )

    def revoke_token(self, token: str) -> None:
        """Invalidate an access or refresh token; an unknown one is ignored."""
        self.apps.tokens.pop(token, None)
        self.apps.installations.pop(token, None)

    async def start(self) -> None:
        """Start listening; `async with` and `with` call this.

        Raises:
            OSError: If the address is not available.
        """
        factory = functools.partial(make_request, self._max_body)
        server = QuietServer(
            self._handle,
            request_factory=factory,
            refusal=lambda: self.hubspot.malformed().answer,
            max_line_size=_MAX_LINE,
        )
        runner = web.ServerRunner(server, shutdown_timeout=0.2)
        await runner.setup()
        try:
            host, port = self._address
            await web.TCPSite(runner, host, port).start()
        except OSError:
            await runner.cleanup()
            raise
        self._runner = runner
        host, port = runner.addresses[0][:2]
        self._url = f"http://{f'[{host}]' if ':' in host else host}:{port}"

    async def aclose(self) -> None:
        """Stop listening and close all connections."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = self._url = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()

    def __enter__(self) -> Self:
        self._background = Background()
        try:
            self._background.run(self.start())
        except BaseException:
            self._background.stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        background = self._background
        if background is not None:
            try:
                background.run(self.aclose())
            finally:
                background.stop()

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        kept = request.transport in self._kept_transports
        if request.transport is not None:
            self._kept_transports.add(request.transport)
        try:
            content = await request.read()
        except ConnectionError:
            # The client disconnected while sending its body; no answer can reach it.
            return web.Response()
        except web.RequestPayloadError:
            # Without this, aiohttp reads on, hits the same error, and logs it.
            request.content.feed_eof()
            answer = await send(request, self.hubspot.unreadable(400))
            answer.force_close()
            return answer
        except web.HTTPRequestEntityTooLarge:
            reply = self.hubspot.unreadable(413)
            self._log(_plain(request, b""), reply)
            return await send(request, reply)
        page = answer_for(
            *(request.method, request.path, self.apps),
            *(self._recent, self.clock.now().at),
        )
        if page is not None:
            return await send(request, Reply(page))
        plain = _plain(request, content, kept=kept)
        if len(request.raw_path) > MAX_URL:
            reply = self.hubspot.too_long()
        else:
            reply = self.hubspot.receive(plain)
        self._log(plain, reply)
        seconds = reply.seconds + self._latency_of(reply.records)
        if seconds > 0:
            await asyncio.sleep(seconds)
        return await send(request, reply)

    def _log(self, request: Request, reply: Reply) -> None:
        cut = reply.cut in {"drop_before", "drop_after_commit"}
        shown = masked(request, self.apps.secrets)
        received = Received(
            shown.method,
            shown.path,
            shown.query,
            shown.headers,
            shown.content,
            None if cut else reply.answer.status,
            self.clock.now().at,
            reply.implemented,
        )
        self._recent.append(received)
        if self._keep_requests:
            self.requests.append(received)
        if self._on_request is not None:
            self._on_request(received)

    def _latency_of(self, records: int) -> float:
        if self._latency == "realistic":
            return REALISTIC_SECONDS + records * REALISTIC_SECONDS_A_RECORD
        return self._latency


def _plain(request: web.BaseRequest, content: bytes, *, kept: bool = False) -> Request:
    # The values of a repeated parameter are joined with "&".
    query = {name: "&".join(request.query.getall(name)) for name in request.query}
    head = (request.method, request.path, query, request.headers)
    # Not request.host, which looks up this machine's name if the header is missing.
    origin = f"{request.scheme}://{request.headers.get('Host', 'localhost')}"
    return Request(*head, content, kept, origin)

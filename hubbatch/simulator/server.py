"""The simulator on a socket of this machine."""

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

from hubbatch.simulator.accounts import Account
from hubbatch.simulator.clocks import Clock
from hubbatch.simulator.faults import Faults
from hubbatch.simulator.hubspot import HubSpot, Reply
from hubbatch.simulator.oauth import LIFETIME, Installation
from hubbatch.simulator.received import Received
from hubbatch.simulator.sending import BODY_BYTES, incoming, send
from hubbatch.simulator.threads import Background
from hubbatch.simulator.watching import answer_for
from hubbatch.simulator.wire import Request, dice
from hubbatch.simulator.world import Store


# Recorded batches took about 3 ms a record, and a round trip is not free.
REALISTIC_SECONDS = 0.030
REALISTIC_SECONDS_A_RECORD = 0.003
# So many requests are on the page at `/`.
_SHOWN = 50


class Simulator:
    """A HubSpot of one's own.

    Use it with `async with`, or with a plain `with`, which runs it in a thread.

    Args:
        tier: What the account pays for: starter, professional, enterprise, increased
            (the add-on), or oauth (a public app).
        seed: Of ids, tokens, the order of results, and chaos.
        host: Where to listen.
        port: Where to listen; 0 takes a free one.
        limit: Requests per ten seconds, in place of the tier's.
        latency: Seconds a request, or "realistic".
        portal_id: The account's id.
        clock: Seconds that only grow; windows and dates follow it.
        started: The date when the clock is read first; by default, today's.
        max_body: Bytes that a body may have; a larger one is answered with 413.
        keep_requests: Whether `requests` remembers what came in.
        on_request: Called after every request, for a log.

    Attributes:
        token: An access token of its first account.
        requests: What came in, the first first.
        faults: The script of trouble.
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
        began = started or datetime.now(UTC)
        self.clock: Clock = Clock(clock, clock(), round(began.timestamp() * 1000))
        self.faults: Faults = Faults(dice(f"faults {seed}"))
        self.hubspot: HubSpot = HubSpot(self.clock, self.faults, dice(f"world {seed}"))
        self.account: Account = self.hubspot.account(portal_id, tier)
        self.token: str = self.hubspot.install(self.account, tier, limit=limit).value
        self.requests: list[Received] = []
        self._recent: deque[Received] = deque(maxlen=_SHOWN)
        self._tier = tier
        self._where = (host, port)
        self._latency = latency
        self._max_body = max_body
        self._used: WeakSet[asyncio.BaseTransport] = WeakSet()
        self._keep_requests = keep_requests
        self._on_request = on_request
        self._runner: web.ServerRunner | None = None
        self._background: Background | None = None
        self._url: str | None = None

    @property
    def url(self) -> str:
        """Where it listens."""
        if self._url is None:
            raise RuntimeError("the simulator is not running")
        return self._url

    @property
    def store(self) -> Store:
        """The records of its first account."""
        return self.account.store

    def open_account(self, portal_id: int, tier: str | None = None) -> Account:
        """Return another account, with records of its own."""
        return self.hubspot.account(portal_id, tier or self._tier)

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
    ) -> str:
        """Return another token; those of one `app_id` share its window.

        `edits_associations=False`: the user whom the app acts for lacks the
        permission "Edit associations".
        """
        lifetime = None if expires_in is None else round(expires_in * 1000)
        return self.hubspot.install(
            account or self.account,
            tier or self._tier,
            limit=limit,
            scopes=scopes,
            expires=None if lifetime is None else self.clock.ms() + lifetime,
            app_id=app_id,
            edits_associations=edits_associations,
        ).value

    def install_app(
        self,
        client_id: str,
        client_secret: str,
        *,
        account: Account | None = None,
        scopes: Collection[str] | None = None,
        lifetime: float = LIFETIME,
    ) -> str:
        """Install a public app and return the refresh token it is given."""
        refresh_token = f"na1-{len(self.hubspot.installations):04d}-{client_id}"
        self.hubspot.installations[refresh_token] = Installation(
            account or self.account,
            client_id,
            client_secret,
            app_id=2_000_000 + len(self.hubspot.installations),
            lifetime=lifetime,
            scopes=None if scopes is None else frozenset(scopes),
        )
        return refresh_token

    def revoke_token(self, token: str) -> None:
        """Let an access or a refresh token be unknown from now on."""
        self.hubspot.tokens.pop(token, None)
        self.hubspot.installations.pop(token, None)

    async def start(self) -> None:
        """Begin to listen."""
        factory = functools.partial(incoming, self._max_body)
        server = web.Server(self._handle, request_factory=factory)
        runner = web.ServerRunner(server, access_log=None, shutdown_timeout=0.2)
        await runner.setup()
        try:
            host, port = self._where
            await web.TCPSite(runner, host, port).start()
        except OSError:
            await runner.cleanup()
            raise
        self._runner = runner
        host, port = runner.addresses[0][:2]
        self._url = f"http://{f'[{host}]' if ':' in host else host}:{port}"

    async def aclose(self) -> None:
        """Stop listening and close every connection."""
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
        kept = request.transport in self._used
        if request.transport is not None:
            self._used.add(request.transport)
        try:
            content = await request.read()
        except ConnectionError:
            # The caller went away in the middle of its body: there is nobody to tell.
            return web.Response()
        except web.RequestPayloadError:
            # aiohttp would read on, meet the same error, and log it.
            request.content.feed_eof()
            answer = await send(request, self.hubspot.unreadable(400))
            answer.force_close()
            return answer
        except web.HTTPRequestEntityTooLarge:
            reply = self.hubspot.unreadable(413)
            self._note(_came(request, b""), reply)
            return await send(request, reply)
        shown = answer_for(
            *(request.method, request.path, self.hubspot.accounts),
            *(self._recent, self.clock.now().at),
        )
        if shown is not None:
            return await send(request, Reply(shown))
        came = _came(request, content, kept=kept)
        reply = self.hubspot.receive(came)
        self._note(came, reply)
        seconds = reply.seconds + self._seconds(reply.records)
        if seconds > 0:
            await asyncio.sleep(seconds)
        return await send(request, reply)

    def _note(self, came: Request, reply: Reply) -> None:
        headers = dict(came.headers)
        if "Authorization" in headers:
            headers["Authorization"] = "Bearer ***"
        cut = reply.cut in {"drop_before", "drop_after_commit"}
        received = Received(
            came.method,
            came.path,
            came.query,
            headers,
            came.content,
            None if cut else reply.answer.status,
            self.clock.now().at,
        )
        self._recent.append(received)
        if self._keep_requests:
            self.requests.append(received)
        if self._on_request is not None:
            self._on_request(received)

    def _seconds(self, records: int) -> float:
        if self._latency == "realistic":
            return REALISTIC_SECONDS + records * REALISTIC_SECONDS_A_RECORD
        return self._latency


def _came(request: web.BaseRequest, content: bytes, *, kept: bool = False) -> Request:
    """Return a request as plain values."""
    # A parameter that is repeated is one text here, its values parted by "&".
    query = {name: "&".join(request.query.getall(name)) for name in request.query}
    head = (request.method, request.path, query, request.headers)
    return Request(*head, content, kept)

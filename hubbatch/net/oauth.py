"""OAuth: access tokens that run out, and new ones for a refresh token.

A refresh is a batch of one input like any other, on an engine of its own that shows no
token; so it is tried again, times out and gives up by the rules of all other calls.
"""

import asyncio

from collections.abc import Awaitable, Callable, Coroutine
from contextlib import AbstractAsyncContextManager, nullcontext, suppress
from datetime import UTC, datetime, timedelta
from inspect import isawaitable
from math import inf
from typing import Any, NoReturn
from urllib.parse import quote_plus

from attrs import field, frozen

from hubbatch.core.collecting import Collector
from hubbatch.core.dialects.grants import Grant, GrantRequest, refresh_request
from hubbatch.core.operations import look_up
from hubbatch.core.retrying import RetryPolicy
from hubbatch.errors import APIError, ConfigurationError, ReconnectRequired

from .auth import Bearer, Credentials, Login, TokenSource, checked_token, fingerprint_of
from .batch import Batch
from .engine import Engine
from .flights import Flight
from .gate import Gate
from .loops import Home
from .running import Run
from .transport import Transport


# A token is not used in its last minute, nor in the last tenth of a short life: it
# has a way to go, and its clock is HubSpot's.
_LAST_SECONDS = 60.0
_LAST_SHARE = 0.1
# A token that was just given is used for so long, whatever is said of its life.
_LEAST_LIFE = 1.0
# Blotting out a shorter secret would leave nothing of a message that could be read.
_BLOTTED_LENGTH = 4

Ask = Callable[[GrantRequest], Awaitable[Grant]]


class _GivenUp(RuntimeError):
    """A refresh was not tried again, for the client whose call began it is closed."""


def _utc_now() -> datetime:
    return datetime.now(UTC)


@frozen
class OAuthTokens:
    """What an account's login is at the moment; keep it where secrets are kept.

    `expires_at` is None if HubSpot does not say how long the access token lives.

    Raises:
        ConfigurationError: for an `expires_at` without a time zone.
    """

    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    expires_at: datetime | None = None

    def __attrs_post_init__(self) -> None:
        _check_date(self.expires_at)


class OAuth:
    """A login by an app that is installed in an account.

    The access token is refreshed a minute before it runs out, and when HubSpot does
    not accept it; once, however many calls wait for it. One object serves any number
    of clients, in one event loop at a time: it moves to the next one with the clients.

    Args:
        client_id: the app's.
        client_secret: the app's.
        refresh_token: what its installation in the account gave.
        access_token: one to begin with; else the first call asks for one.
        expires_at: when that one runs out, an aware datetime; else it is used until
            HubSpot does not accept it.
        on_refresh: called, or awaited, with the new `OAuthTokens` after each refresh,
            before they are used. HubSpot may give another refresh token: store it.
            What it raises ends the batches that wait, and it is called again with the
            same tokens before the next.
        lock: gives an async context manager, held during a refresh, for workers that
            share a store. If entering it gives `OAuthTokens`, those in the store,
            they are used in place of a refresh unless they have run out too.
        clock: gives the date, to compare `expires_at` with.

    Raises:
        ConfigurationError: for what cannot be one of these.
    """

    def __init__(
        self,
        client_id: str,
        client_secret: str,
        refresh_token: str,
        *,
        access_token: str | None = None,
        expires_at: datetime | None = None,
        on_refresh: Callable[[OAuthTokens], object] | None = None,
        lock: Callable[[], AbstractAsyncContextManager[object]] | None = None,
        clock: Callable[[], datetime] = _utc_now,
    ) -> None:
        self._client_id = _text("client_id", client_id)
        self._client_secret = _text("client_secret", client_secret)
        self._refresh_token = _text("refresh_token", refresh_token)
        # Its tokens change; that of the installation which it began with tells whose.
        self.fingerprint: str = fingerprint_of(f"{client_id} {self._refresh_token}")
        self._access_token = checked_token(access_token) if access_token else None
        _check_date(expires_at)
        for name, given in {"on_refresh": on_refresh, "lock": lock}.items():
            if given is not None and not callable(given):
                raise ConfigurationError(
                    f"{name} must be callable, not {type(given).__name__}"
                )
        self._on_refresh = on_refresh
        self._lock = lock
        self._clock = clock
        # The loop's instant until which the access token is used; None while what is
        # known of it is a date.
        self._good_until: float | None = None
        self._expires_at = expires_at
        # What HubSpot gave and `on_refresh` has not taken yet.
        self._unsaved: tuple[OAuthTokens, float] | None = None
        self._over: ReconnectRequired | None = None
        self._home = Home("this OAuth login")
        self._flight: Flight[None] = Flight()
        self._asker: Ask | None = None  # whose call began the last refresh

    # ---- what a client's login needs

    @property
    def refreshing(self) -> bool:
        """Whether a refresh is under way."""
        return self._flight.under_way

    def current(self) -> str | None:
        """Give the access token if it can be sent now.

        Raises:
            RuntimeError: if it is in use in another event loop that is not closed.
        """
        shift = self._home.enter()
        if shift is not None:
            self._move(shift)
        if self._good_until is None:
            self._good_until = self._until(self._expires_at)
        if self._access_token is None or _now() >= self._good_until:
            return None
        return self._access_token

    async def refreshed(self, ask: Ask) -> None:
        """Have a current access token; `ask` takes a form to the token endpoint.

        Raises:
            ReconnectRequired: if the refresh token is not valid any more. Without a
                lock, which could bring another one, HubSpot is asked once only.
            AuthenticationError: if HubSpot refuses for another reason.
            HubSpotUnavailable: if it cannot answer.
        """

        def start() -> Coroutine[Any, Any, None]:
            self._asker = ask
            return self._refresh(ask)

        while self.current() is None:
            asker = self._asker if self._flight.under_way else ask
            try:
                await self._flight.join(start)
                break
            except _GivenUp:
                if asker == ask:
                    raise

    def _move(self, shift: float) -> None:
        """Go on by another loop's clock, whose instants are `shift` later."""
        assert self._good_until is not None  # noqa: S101 -- since it was first asked
        self._good_until += shift
        if self._unsaved is not None:
            tokens, good_until = self._unsaved
            self._unsaved = tokens, good_until + shift

    def refused(self, token: str) -> None:
        """Note that HubSpot does not accept this access token."""
        if token == self._access_token:
            self._good_until = -inf

    async def settle(self, ask: Ask) -> None:
        """Wait for a refresh that asks by this: what it brings must be stored."""
        if self._asker == ask:
            await self._flight.aclose()

    # ---- a refresh

    async def _refresh(self, ask: Ask) -> None:
        async with self._lock() if self._lock is not None else nullcontext() as stored:
            if isinstance(stored, OAuthTokens) and self._unsaved is None:
                self._adopt(stored)
            if self.current() is not None:
                return
            if self._unsaved is None:
                self._unsaved = await self._exchange(ask)
            tokens, good_until = self._unsaved
            if self._on_refresh is not None:
                saving = self._on_refresh(tokens)
                if isawaitable(saving):
                    await saving
            self._unsaved = None
            self._access_token, self._good_until = tokens.access_token, good_until

    def _adopt(self, stored: OAuthTokens) -> None:
        """Take what another worker has stored."""
        self._refresh_token = stored.refresh_token or self._refresh_token
        if stored.access_token and stored.access_token != self._access_token:
            self._access_token = checked_token(stored.access_token)
            self._good_until = self._until(stored.expires_at)

    async def _exchange(self, ask: Ask) -> tuple[OAuthTokens, float]:
        if self._over is not None:
            raise self._over
        request = refresh_request(
            self._client_id, self._client_secret, self._refresh_token
        )
        try:
            grant = await ask(request)
        except APIError as error:
            refusal = self._told(error)
            if isinstance(refusal, ReconnectRequired) and self._lock is None:
                self._over = refusal
            raise refusal from None
        self._refresh_token = grant.refresh_token or self._refresh_token
        life = grant.expires_in
        expires_at = life and self._clock() + timedelta(seconds=life)
        tokens = OAuthTokens(
            checked_token(grant.access_token), self._refresh_token, expires_at or None
        )
        return tokens, _now() + _used_for(max(life or inf, _LEAST_LIFE))

    def _told(self, error: APIError) -> APIError:
        """Make an error anew, with nothing in it of what was sent."""
        return type(error)(
            self._without_secrets(error.message),
            status=error.status,
            category=error.category,
            correlation_id=error.correlation_id,
        )

    def _without_secrets(self, message: str) -> str:
        for secret in (self._client_secret, self._refresh_token):
            if len(secret) < _BLOTTED_LENGTH:
                return "HubSpot's words are not shown: a secret is too short to blot"
            # As it stands in the form too, should that be what comes back.
            for written in (secret, quote_plus(secret)):
                message = message.replace(written, "***")
        return message

    def _until(self, expires_at: datetime | None) -> float:
        """Give the loop's instant until which a token is used that runs out then."""
        if expires_at is None:
            return inf
        left = (expires_at - self._clock()).total_seconds()
        return _now() + _used_for(left) if left > 0 else -inf

    def __reduce__(self) -> NoReturn:
        raise TypeError("cannot pickle an OAuth login: its secrets would be in it")

    def __repr__(self) -> str:
        return f"<OAuth, client_id {self._client_id!r}>"


class OAuthLogin:
    """The login of one client by OAuth."""

    renewable = True

    def __init__(self, oauth: OAuth, engine: Engine, *, api_version: str) -> None:
        self._oauth = oauth
        self.fingerprint: str | None = oauth.fingerprint
        self._engine = engine
        self._operation = look_up("oauth", "token", api_version=api_version)
        self._asking: Run | None = None
        self._closed = False

    async def bearer(self) -> Bearer:
        """Have an access token that can be sent now."""
        await self._oauth.refreshed(self._ask)
        return self._oauth.current

    def refused(self, token: str) -> None:
        """Note that HubSpot does not accept this access token."""
        self._oauth.refused(token)

    async def aclose(self) -> None:
        """Wait for a refresh that is under way, but for no further attempt of it."""
        self._closed = True
        if self._asking is not None and self._oauth.refreshing:
            self._asking.end(_GivenUp("this client is closed"))
        await self._oauth.settle(self._ask)

    @property
    def busy(self) -> bool:
        """Whether a refresh is under way."""
        return self._oauth.refreshing

    async def _ask(self, request: GrantRequest) -> Grant:
        if self._closed:
            raise _GivenUp("this client is closed")
        answers: Collector[Grant] = Collector(self._operation)
        asking: Batch[Grant] = Batch(self._engine, self._operation, [request])
        self._asking = asking.begin(answers)
        try:
            # What came before it could be given up is worth having.
            with suppress(_GivenUp):
                await asking.feed(self._asking)
        finally:
            self._asking = None
        for grant in answers.response().results:
            return grant
        raise _GivenUp("this client is closed")

    def __reduce__(self) -> NoReturn:
        raise TypeError("cannot pickle an OAuth login: its secrets would be in it")

    def __repr__(self) -> str:
        return f"<OAuthLogin, {self._oauth!r}>"


class _Nobody(Credentials):
    """Who shows no token: the form says all."""

    def __init__(self) -> None:
        """Need nothing."""

    renewable = False

    async def bearer(self) -> Bearer:
        return str  # the empty text


def sign_in(
    source: TokenSource | OAuth | None,
    *,
    transport: Transport,
    policy: RetryPolicy,
    api_version: str,
) -> Login:
    """Make the login of a client of what it was given as its access token.

    Raises:
        ConfigurationError: if that is none.
    """
    if not isinstance(source, OAuth):
        return Credentials(source)
    engine = Engine(
        gate=Gate(None, 1),
        transport=transport,
        credentials=_Nobody(),
        policy=policy,
        max_concurrency=1,
    )
    return OAuthLogin(source, engine, api_version=api_version)


def _now() -> float:
    return asyncio.get_running_loop().time()


def _used_for(life: float) -> float:
    return life - min(_LAST_SECONDS, life * _LAST_SHARE)


def _text(name: str, given: Any) -> str:
    # Never quote it: it is a secret, or stands where one should.
    if not isinstance(given, str) or not given.strip():
        raise ConfigurationError(f"{name} must be a non-empty str")
    return given.strip()


def _check_date(expires_at: Any) -> None:
    if expires_at is None:
        return
    if not isinstance(expires_at, datetime) or expires_at.utcoffset() is None:
        raise ConfigurationError(
            f"expires_at must be a datetime with a time zone, not {expires_at!r}"
        )

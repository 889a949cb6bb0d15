"""OAuth: access tokens that expire and are renewed with a refresh token.

A refresh is an ordinary batch of one input, with its own client state that sends no
token. So it is retried, times out and fails by the same rules as any other call.
"""

import asyncio

from collections.abc import Awaitable, Callable, Coroutine
from contextlib import AbstractAsyncContextManager, nullcontext, suppress
from datetime import UTC, datetime, timedelta
from inspect import isawaitable
from math import inf
from typing import Any, NoReturn
from urllib.parse import quote_plus

from attrs import field

from hubbatch._classes import frozen
from hubbatch._outcomes.response import Collector
from hubbatch._outcomes.retry import RetryPolicy
from hubbatch._wire.codecs.oauth import Grant, GrantRequest, refresh_request
from hubbatch._wire.endpoints import operation_for
from hubbatch.errors import APIError, ConfigurationError, ReconnectRequired

from .auth import Bearer, Credentials, Login, TokenSource, check_token, fingerprint_of
from .batch import Batch
from .client_state import ClientState
from .event_loops import LoopGuard
from .gate import Gate
from .run import Run
from .single_flight import SingleFlight
from .transport import Transport


# A token is not sent in its last minute, nor in the last tenth of a short lifetime: the
# request takes time to arrive, and HubSpot's clock decides.
_MARGIN_SECONDS = 60.0
_MARGIN_SHARE = 0.1
# A new token is used for at least this long, whatever lifetime HubSpot reports.
_MIN_LIFE_SECONDS = 1.0
# Replacing a shorter secret would make a message unreadable.
_MIN_REDACTABLE_LENGTH = 4

RequestGrant = Callable[[GrantRequest], Awaitable[Grant]]


class _ClientClosed(RuntimeError):
    """A refresh ended early because the client that started it was closed."""

    def __init__(self) -> None:
        super().__init__("This client is closed. Create a new one.")


def _utc_now() -> datetime:
    return datetime.now(UTC)


@frozen
class OAuthTokens:
    """The current tokens of an account. Store them where you store secrets.

    `expires_at` is None if HubSpot did not report the access token's lifetime.

    Raises:
        ConfigurationError: If `expires_at` has no time zone.
    """

    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    expires_at: datetime | None = None

    def __attrs_post_init__(self) -> None:
        _check_date(self.expires_at)


class OAuth:
    """The login of an app that is installed in an account.

    The access token is refreshed a minute before it expires, or when HubSpot rejects
    it; only once, however many calls are waiting for it. One object serves any number
    of clients, in one event loop at a time: it moves to the next loop with the clients.

    Args:
        client_id: The app's client id.
        client_secret: The app's client secret.
        refresh_token: The refresh token of the app's installation in the account.
        access_token: The access token to start with. By default the first call
            requests one.
        expires_at: When `access_token` expires, as an aware datetime. By default it is
            used until HubSpot rejects it.
        on_refresh: A function or async function that is called with the new
            `OAuthTokens` after each refresh, before they are used. HubSpot may return
            another refresh token, so store it. An exception ends the waiting batches;
            the next batch calls it again with the same tokens.
        lock: A function that returns an async context manager, which is held during a
            refresh. For workers that share a token store: if entering it returns the
            stored `OAuthTokens`, they are used without a refresh unless they have
            expired too.
        clock: A function that returns the current time, to compare `expires_at` with.

    Raises:
        ConfigurationError: If an argument has the wrong type or is empty.
    """

    # Invariant: `_access_token` is sent only until `_good_until`, a time of the loop's
    # clock; None until the date `_expires_at` was first compared with `clock`.
    #
    # `_unsaved` holds tokens that HubSpot has returned and `on_refresh` has not
    # accepted. They are not used, and no others are requested, until it has: the old
    # refresh token may be invalid by then, so losing them would lose the login.

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
        self._client_id = _check_str("client_id", client_id)
        self._client_secret = _check_str("client_secret", client_secret)
        self._refresh_token = _check_str("refresh_token", refresh_token)
        # Tokens change; the first refresh token identifies the installation.
        self.fingerprint: str = fingerprint_of(f"{client_id} {self._refresh_token}")
        self._access_token = check_token(access_token) if access_token else None
        _check_date(expires_at)
        for name, value in {"on_refresh": on_refresh, "lock": lock}.items():
            if value is not None and not callable(value):
                raise ConfigurationError(
                    f"{name} must be callable, not {type(value).__name__}"
                )
        self._on_refresh = on_refresh
        self._lock = lock
        self._clock = clock
        self._good_until: float | None = None
        self._expires_at = expires_at
        self._unsaved: tuple[OAuthTokens, float] | None = None
        # Raised immediately once set: HubSpot has permanently refused the refresh
        # token.
        self._reconnect: ReconnectRequired | None = None
        self._loop_guard = LoopGuard("this OAuth login")
        self._refreshing: SingleFlight[None] = SingleFlight()
        # How the last refresh requests its grant; identifies the login that started it.
        self._requester: RequestGrant | None = None

    # ---- called by a client's login

    @property
    def refreshing(self) -> bool:
        """Whether a refresh is running."""
        return self._refreshing.running

    def current(self) -> str | None:
        """Return the access token if it can be sent now.

        Raises:
            RuntimeError: If it is in use in another event loop that is open.
        """
        shift = self._loop_guard.enter()
        if shift is not None:
            self._move(shift)
        if self._good_until is None:
            self._good_until = self._usable_until(self._expires_at)
        if self._access_token is None or _now() >= self._good_until:
            return None
        return self._access_token

    async def ensure_token(self, request_grant: RequestGrant) -> None:
        """Refresh the access token unless it can be sent now.

        `request_grant` sends a form to the token endpoint.

        Raises:
            ReconnectRequired: If the refresh token is no longer valid. Without a lock,
                which could supply another one, HubSpot is asked only once.
            AuthenticationError: If HubSpot refuses for another reason.
            HubSpotUnavailable: If HubSpot cannot answer.
        """

        def start() -> Coroutine[Any, Any, None]:
            self._requester = request_grant
            return self._refresh(request_grant)

        while self.current() is None:
            requester = self._requester if self.refreshing else request_grant
            try:
                await self._refreshing.join(start)
                break
            except _ClientClosed:
                # It was another client's: start a refresh with this client's request.
                if requester == request_grant:
                    raise

    def _move(self, shift: float) -> None:
        """Convert times to the clock of another loop, which is `shift` ahead."""
        assert self._good_until is not None  # noqa: S101 -- set by the first `current`
        self._good_until += shift
        if self._unsaved is not None:
            tokens, good_until = self._unsaved
            self._unsaved = tokens, good_until + shift

    def reject(self, token: str) -> None:
        """Record that HubSpot does not accept this access token."""
        if token == self._access_token:
            self._good_until = -inf

    async def wait_for_refresh(self, request_grant: RequestGrant) -> None:
        """Wait for a refresh that uses `request_grant`: its tokens must be stored."""
        if self._requester == request_grant:
            await self._refreshing.aclose()

    # ---- a refresh

    async def _refresh(self, request_grant: RequestGrant) -> None:
        async with self._lock() if self._lock is not None else nullcontext() as stored:
            if isinstance(stored, OAuthTokens) and self._unsaved is None:
                self._adopt(stored)
            if self.current() is not None:
                return
            if self._unsaved is None:
                self._unsaved = await self._request_tokens(request_grant)
            tokens, good_until = self._unsaved
            if self._on_refresh is not None:
                saving = self._on_refresh(tokens)
                if isawaitable(saving):
                    await saving
            self._unsaved = None
            self._access_token, self._good_until = tokens.access_token, good_until

    def _adopt(self, stored: OAuthTokens) -> None:
        """Use the tokens that another worker has stored."""
        self._refresh_token = stored.refresh_token or self._refresh_token
        if stored.access_token and stored.access_token != self._access_token:
            self._access_token = check_token(stored.access_token)
            self._good_until = self._usable_until(stored.expires_at)

    async def _request_tokens(
        self, request_grant: RequestGrant
    ) -> tuple[OAuthTokens, float]:
        """Return new tokens, and the loop time until which they may be used."""
        if self._reconnect is not None:
            raise self._reconnect
        request = refresh_request(
            self._client_id, self._client_secret, self._refresh_token
        )
        try:
            grant = await request_grant(request)
        except APIError as error:
            redacted = self._redacted(error)
            if isinstance(redacted, ReconnectRequired) and self._lock is None:
                self._reconnect = redacted
            raise redacted from None
        self._refresh_token = grant.refresh_token or self._refresh_token
        life = grant.expires_in
        expires_at = life and self._clock() + timedelta(seconds=life)
        tokens = OAuthTokens(
            check_token(grant.access_token), self._refresh_token, expires_at or None
        )
        return tokens, _now() + _usable_seconds(max(life or inf, _MIN_LIFE_SECONDS))

    def _redacted(self, error: APIError) -> APIError:
        """Return a copy of an error without the secrets that were sent."""
        return type(error)(
            self._redact(error.message),
            advice=error.advice,
            status=error.status,
            category=error.category,
            correlation_id=error.correlation_id,
        )

    def _redact(self, message: str) -> str:
        for secret in (self._client_secret, self._refresh_token):
            if len(secret) < _MIN_REDACTABLE_LENGTH:
                return "HubSpot's message is hidden: a secret is too short to redact"
            # Also as the form encodes it, in case HubSpot echoes the form.
            for written in (secret, quote_plus(secret)):
                message = message.replace(written, "***")
        return message

    def _usable_until(self, expires_at: datetime | None) -> float:
        """Return the time, on the loop's clock, until which a token may be used."""
        if expires_at is None:
            return inf
        left = (expires_at - self._clock()).total_seconds()
        return _now() + _usable_seconds(left) if left > 0 else -inf

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            "An OAuth login cannot be pickled: the pickle would hold secrets."
        )

    def __repr__(self) -> str:
        return f"<OAuth, client_id {self._client_id!r}>"


class OAuthLogin:
    """The login of one client by OAuth."""

    renewable = True

    def __init__(self, oauth: OAuth, state: ClientState, *, api_version: str) -> None:
        self._oauth = oauth
        self.fingerprint: str | None = oauth.fingerprint
        self._state = state
        self._operation = operation_for("oauth", "token", api_version=api_version)
        # The run of a refresh that this client started, if one is running.
        self._run: Run | None = None
        self._closed = False

    async def bearer(self) -> Bearer:
        """Return a function that returns the access token, once it is refreshed."""
        await self._oauth.ensure_token(self._request_grant)
        return self._oauth.current

    def reject(self, token: str) -> None:
        """Record that HubSpot does not accept this access token."""
        self._oauth.reject(token)

    async def aclose(self) -> None:
        """Wait for the current refresh attempt, but not for its retries."""
        self._closed = True
        if self._run is not None and self._oauth.refreshing:
            self._run.end(_ClientClosed())
        await self._oauth.wait_for_refresh(self._request_grant)

    @property
    def busy(self) -> bool:
        """Whether a refresh is running."""
        return self._oauth.refreshing

    async def _request_grant(self, request: GrantRequest) -> Grant:
        if self._closed:
            raise _ClientClosed
        answers: Collector[Grant] = Collector(self._operation)
        batch: Batch[Grant] = Batch(self._state, self._operation, [request])
        self._run = batch.begin(answers)
        try:
            # A grant that arrived before the run was ended is still used.
            with suppress(_ClientClosed):
                await batch.feed(self._run)
        finally:
            self._run = None
        for grant in answers.response().results:
            return grant
        raise _ClientClosed

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            "An OAuth login cannot be pickled: the pickle would hold secrets."
        )

    def __repr__(self) -> str:
        return f"<OAuthLogin, {self._oauth!r}>"


class _NoToken(Credentials):
    """Credentials for the token endpoint, which authenticates with the form body."""

    def __init__(self) -> None:
        """Do nothing: there is no token."""

    renewable = False

    async def bearer(self) -> Bearer:
        return str  # returns ""


def make_login(
    source: TokenSource | OAuth | None,
    *,
    transport: Transport,
    policy: RetryPolicy,
    api_version: str,
) -> Login:
    """Return the login for the `access_token` that a client was created with.

    Raises:
        ConfigurationError: If `source` is not a token, a callable or an OAuth.
    """
    if not isinstance(source, OAuth):
        return Credentials(source)
    state = ClientState(
        gate=Gate(None, 1),
        transport=transport,
        credentials=_NoToken(),
        policy=policy,
        max_concurrency=1,
    )
    return OAuthLogin(source, state, api_version=api_version)


def _now() -> float:
    return asyncio.get_running_loop().time()


def _usable_seconds(life: float) -> float:
    return life - min(_MARGIN_SECONDS, life * _MARGIN_SHARE)


def _check_str(name: str, value: Any) -> str:
    # Never quote it: it is a secret, or was passed in place of one.
    if not isinstance(value, str) or not value.strip():
        raise ConfigurationError(f"{name} must be a non-empty str")
    return value.strip()


def _check_date(expires_at: Any) -> None:
    if expires_at is None:
        return
    if not isinstance(expires_at, datetime) or expires_at.utcoffset() is None:
        raise ConfigurationError(
            f"expires_at must be a datetime with a time zone, not {expires_at!r}"
        )

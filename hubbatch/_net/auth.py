"""The access token of a client, and where it comes from."""

import re
import secrets

from collections.abc import Awaitable, Callable
from hashlib import blake2b
from inspect import isawaitable
from typing import NoReturn, Protocol, TypeAlias

from hubbatch.errors import ConfigurationError


TokenSource: TypeAlias = str | Callable[[], Awaitable[str]]
"""An access token, or an async callable that returns one for every request."""

Bearer = Callable[[], str | None]
"""Returns the token to send now; None once it has expired and another is needed."""

_TOKEN = re.compile(r"[\x21-\x7e]+")
# Makes a fingerprint meaningless outside this process.
_SALT = secrets.token_bytes(16)


class Login(Protocol):
    """Provides a client's access token."""

    @property
    def renewable(self) -> bool:
        """Whether another call of `bearer` may return another token."""
        ...

    @property
    def fingerprint(self) -> str | None:
        """Equal for equal logins within this process; None if equality is unknown."""
        ...

    @property
    def busy(self) -> bool:
        """Whether the login has a task running, e.g. a refresh."""
        ...

    async def bearer(self) -> Bearer:
        """Return a function to call once the request may leave, possibly much later."""
        ...

    def reject(self, token: str) -> None:
        """Record that HubSpot has rejected this token."""
        ...

    async def aclose(self) -> None:
        """Wait for the running task, if any."""
        ...


class Credentials:
    """A static token, or a callable that returns one for each request.

    The callable is called for every request, so it should cache the token. After a 401,
    one more request is sent, with a token from a new call.
    """

    def __init__(self, source: TokenSource | None) -> None:
        if not source:
            raise ConfigurationError(
                "No access token. Set HUBSPOT_ACCESS_TOKEN to a service key, a "
                "private-app token or an OAuth access token, or pass access_token=."
            )
        if not isinstance(source, str) and not callable(source):
            raise ConfigurationError(
                "access_token must be a str, an OAuth or an async callable that "
                f"returns a str, not {type(source).__name__}"
            )
        self._source = check_token(source) if isinstance(source, str) else source

    @property
    def renewable(self) -> bool:
        """Whether another call of `bearer` may return another token."""
        return not isinstance(self._source, str)

    @property
    def fingerprint(self) -> str | None:
        """Equal for equal static tokens; None for a callable."""
        if not isinstance(self._source, str):
            return None
        return fingerprint_of(self._source)

    @property
    def busy(self) -> bool:
        """False: it has no tasks of its own."""
        return False

    async def bearer(self) -> Bearer:
        """Return a function that returns the token of one request."""
        token = await self.token()
        return lambda: token

    def reject(self, token: str) -> None:
        """Do nothing: the callable is called again for the next request anyway."""

    async def aclose(self) -> None:
        """Do nothing."""

    async def token(self) -> str:
        """Return the token to send now.

        Raises:
            ConfigurationError: If the callable returns no valid token.
        """
        if isinstance(self._source, str):
            return self._source
        token = self._source()
        if not isawaitable(token):
            raise ConfigurationError(
                "access_token must be an async callable; this one returned "
                f"{type(token).__name__}, which cannot be awaited"
            )
        return check_token(await token)

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            "Credentials cannot be pickled: the pickle would hold the token."
        )

    def __repr__(self) -> str:
        return f"<Credentials, {'renewable' if self.renewable else 'static'}>"


def fingerprint_of(secret: str) -> str:
    """Return a keyed hash of a secret, which is equal for equal secrets."""
    return blake2b(secret.encode(), key=_SALT).hexdigest()


def check_token(token: object) -> str:
    """Return a token, stripped of surrounding white space.

    Raises:
        ConfigurationError: If it cannot be sent in a header.
    """
    # Never quote it: it is a secret, or was passed in place of one.
    if not isinstance(token, str) or not _TOKEN.fullmatch(token.strip()):
        raise ConfigurationError(
            "the access token is not a line of visible ASCII characters"
        )
    return token.strip()

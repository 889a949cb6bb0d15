"""Where the access token comes from."""

import re
import secrets

from collections.abc import Awaitable, Callable
from hashlib import blake2b
from inspect import isawaitable
from typing import NoReturn, Protocol

from hubbatch.errors import ConfigurationError


TokenSource = str | Callable[[], Awaitable[str]]

Bearer = Callable[[], str | None]
"""Gives the token to send now, or None once it has run out and another is needed."""

_TOKEN = re.compile(r"[\x21-\x7e]+")
# So that a fingerprint says nothing outside of this process.
_SALT = secrets.token_bytes(16)


class Login(Protocol):
    """Who shows the access token of a client."""

    @property
    def renewable(self) -> bool:
        """Whether asking again can give another token."""
        ...

    @property
    def fingerprint(self) -> str | None:
        """Tell equal logins from others, in this process; None if that is not known."""
        ...

    @property
    def busy(self) -> bool:
        """Whether it has something under way that nobody need wait for."""
        ...

    async def bearer(self) -> Bearer:
        """Have a token. It is read when the request may leave, which may be later."""
        ...

    def refused(self, token: str) -> None:
        """Note that HubSpot does not accept this token."""
        ...

    async def aclose(self) -> None:
        """Wait for what is under way."""
        ...


class Credentials:
    """A static token, or a callable that gives one for each request.

    A callable is asked every time, so it should cache; after a 401 one more request
    is made with what it gives then.
    """

    def __init__(self, source: TokenSource | None) -> None:
        if not source:
            raise ConfigurationError(
                "No access token. Set HUBSPOT_ACCESS_TOKEN to a service key, a "
                "private-app token or an OAuth access token, or pass access_token=."
            )
        if not isinstance(source, str) and not callable(source):
            raise ConfigurationError(
                "access_token must be a str or an async callable that gives one, "
                f"not {type(source).__name__}"
            )
        self._source = check_token(source) if isinstance(source, str) else source

    @property
    def renewable(self) -> bool:
        """Whether asking again can give another token."""
        return not isinstance(self._source, str)

    @property
    def fingerprint(self) -> str | None:
        """Tell equal logins from others, in this process; None if that is not known."""
        if not isinstance(self._source, str):
            return None
        return fingerprint_of(self._source)

    @property
    def busy(self) -> bool:
        """Nothing of it is ever under way by itself."""
        return False

    async def bearer(self) -> Bearer:
        """Have the token of one request."""
        token = await self.token()
        return lambda: token

    def refused(self, token: str) -> None:
        """Leave it to the callable, which is asked again."""

    async def aclose(self) -> None:
        """Let go of nothing."""

    async def token(self) -> str:
        """Give the token to send now.

        Raises:
            ConfigurationError: if the callable gives something that is no token.
        """
        if isinstance(self._source, str):
            return self._source
        asked = self._source()
        if not isawaitable(asked):
            raise ConfigurationError(
                "access_token must be an async callable; this one gave "
                f"{type(asked).__name__} without being awaited"
            )
        return check_token(await asked)

    def __reduce__(self) -> NoReturn:
        raise TypeError("cannot pickle credentials: the token would be in it")

    def __repr__(self) -> str:
        return f"<Credentials, {'renewable' if self.renewable else 'static'}>"


def fingerprint_of(secret: str) -> str:
    """Give what equal secrets have in common, and nobody else learns them by."""
    return blake2b(secret.encode(), key=_SALT).hexdigest()


def check_token(token: object) -> str:
    """Give a token back, without the white space around it.

    Raises:
        ConfigurationError: if it is none.
    """
    # Never quote it: it is a secret, or somebody took it for one.
    if not isinstance(token, str) or not _TOKEN.fullmatch(token.strip()):
        raise ConfigurationError(
            "the access token is not a line of visible ASCII characters"
        )
    return token.strip()

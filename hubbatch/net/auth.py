"""Where the access token comes from."""

import re
import secrets

from collections.abc import Awaitable, Callable
from hashlib import blake2b
from inspect import isawaitable
from typing import NoReturn

from hubbatch.errors import ConfigurationError


TokenSource = str | Callable[[], Awaitable[str]]

_TOKEN = re.compile(r"[\x21-\x7e]+")
# So that a fingerprint says nothing outside of this process.
_SALT = secrets.token_bytes(16)


class Credentials:
    """Gives the access token for each request.

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
        self._source = _checked(source) if isinstance(source, str) else source

    @property
    def renewable(self) -> bool:
        """Whether asking again can give another token."""
        return not isinstance(self._source, str)

    @property
    def fingerprint(self) -> str | None:
        """Tell equal tokens from others, in this process; None if they may change."""
        if not isinstance(self._source, str):
            return None
        return blake2b(self._source.encode(), key=_SALT).hexdigest()

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
        return _checked(await asked)

    def __reduce__(self) -> NoReturn:
        raise TypeError("cannot pickle credentials: the token would be in it")

    def __repr__(self) -> str:
        return f"<Credentials, {'renewable' if self.renewable else 'static'}>"


def _checked(token: object) -> str:
    # Never quote it: it is a secret, or somebody took it for one.
    if not isinstance(token, str) or not _TOKEN.fullmatch(token.strip()):
        raise ConfigurationError(
            "the access token is not a line of visible ASCII characters"
        )
    return token.strip()

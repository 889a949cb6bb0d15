"""OAuth's token endpoint: the one call whose body is a form.

Paths, fields and errors: HubSpot's specifications of OAuth v3 and 2026-03, which write
errors as RFC 6749 does beside what v1 said.
"""

from collections.abc import Mapping
from math import inf
from typing import Any
from urllib.parse import parse_qsl, urlencode

from attrs import field, frozen

from hubbatch.core.calls import Dialect, Encoded, Encoder, Operation, Shape
from hubbatch.core.codec import every
from hubbatch.errors import AuthenticationError, ReconnectRequired

from .documents import no_key, whole


# By these HubSpot says that the refresh token is no more: OAuth v3's word, and v1's.
_DEAD_GRANTS = {"invalid_grant", "BAD_REFRESH_TOKEN"}
_SECRETS = frozenset({"client_secret", "refresh_token", "code"})


@frozen
class GrantRequest:
    """What is shown to get an access token. All of it is secret."""

    body: bytes = field(repr=False)


@frozen
class Grant:
    """What the token endpoint gives; `expires_in` is in seconds, None if not told."""

    access_token: str = field(repr=False)
    refresh_token: str | None = field(repr=False)
    expires_in: float | None


def refresh_request(
    client_id: str, client_secret: str, refresh_token: str
) -> GrantRequest:
    """Write the form that asks for another access token."""
    form = {
        "grant_type": "refresh_token",
        "client_id": client_id,
        "client_secret": client_secret,
        "refresh_token": refresh_token,
    }
    return GrantRequest(urlencode(form).encode())


def _encoder(_: Operation) -> Encoder:
    return _encode


def _encode(_index: int, given: Any) -> Encoded:
    return None, given.body, None


def _form(_operation: Operation, joined: bytes) -> bytes:
    return joined


def _grant(raw: Mapping[str, Any]) -> Grant:
    """Read what the token endpoint gives.

    Raises:
        TypeError: if there is no access token in it.
    """
    access_token, refresh_token = raw["access_token"], raw.get("refresh_token")
    life = raw.get("expires_in")
    if not isinstance(access_token, str) or not access_token:
        raise TypeError("an access token is a text")
    told = isinstance(life, int | float) and 0 < life < inf
    return Grant(
        access_token,
        refresh_token if isinstance(refresh_token, str) and refresh_token else None,
        life if told else None,
    )


def secrets_of(body: bytes) -> list[str]:
    """Return the secrets in the form of a request to the token endpoint."""
    return [value for name, value in parse_qsl(body.decode()) if name in _SECRETS]


def refused_grant(
    status: int, payload: Mapping[str, Any], correlation_id: str | None
) -> AuthenticationError:
    """Say why the token endpoint gives no token."""
    told = [payload.get("error"), payload.get("status")]
    words = [word for word in told if isinstance(word, str) and word != "error"]
    why = (
        payload.get("error_description") or payload.get("message") or "no reason given"
    )
    if _DEAD_GRANTS.isdisjoint(words):
        cls, hint = AuthenticationError, "Are client id and client secret right?"
    else:
        cls, hint = ReconnectRequired, "Only a new installation of the app helps."
    return cls(
        f"The access token cannot be refreshed: {why}. {hint}",
        status=status,
        category=words[0] if words else None,
        correlation_id=correlation_id,
    )


GRANTS = Dialect(_encoder, _form, whole, Shape(every(_grant), no_key))

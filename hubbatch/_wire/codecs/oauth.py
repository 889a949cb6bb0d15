"""OAuth's token endpoint: the only call whose body is a form.

Paths, fields and errors: HubSpot's specifications of OAuth v3 and 2026-03. Their errors
have the fields of RFC 6749 as well as those of v1.
"""

from collections.abc import Mapping
from math import inf
from typing import Any
from urllib.parse import parse_qsl, urlencode

from attrs import field

from hubbatch._classes import frozen
from hubbatch._wire.calls import Codec, Encoded, Operation, ResultShape
from hubbatch._wire.inputs import for_any_operation
from hubbatch._wire.records import every
from hubbatch.errors import AuthenticationError, ReconnectRequired

from .documents import no_key, whole


# HubSpot's categories for a refresh token that is no longer valid: v3's and v1's.
_DEAD_GRANTS = {"invalid_grant", "BAD_REFRESH_TOKEN"}
_SECRETS = frozenset({"client_secret", "refresh_token", "code"})


@frozen
class GrantRequest:
    """The form that requests a token. All of it is secret."""

    body: bytes = field(repr=False)


@frozen
class Grant:
    """The token endpoint's answer; `expires_in` is in seconds, None if not reported."""

    access_token: str = field(repr=False)
    refresh_token: str | None = field(repr=False)
    expires_in: float | None


def refresh_request(
    client_id: str, client_secret: str, refresh_token: str
) -> GrantRequest:
    """Return the form that requests a new access token."""
    form = {
        "grant_type": "refresh_token",
        "client_id": client_id,
        "client_secret": client_secret,
        "refresh_token": refresh_token,
    }
    return GrantRequest(urlencode(form).encode())


def _encode(_index: int, value: Any) -> Encoded:
    return None, value.body, None


def _form(_operation: Operation, joined: bytes) -> bytes:
    return joined


def _grant(raw: Mapping[str, Any]) -> Grant:
    """Read the token endpoint's answer.

    Raises:
        KeyError, TypeError: If it has no access token.
    """
    access_token, refresh_token = raw["access_token"], raw.get("refresh_token")
    life = raw.get("expires_in")
    if not isinstance(access_token, str) or not access_token:
        raise TypeError("an access token is a string")
    usable = isinstance(life, int | float) and 0 < life < inf
    return Grant(
        access_token,
        refresh_token if isinstance(refresh_token, str) and refresh_token else None,
        life if usable else None,
    )


def secrets_of(body: bytes) -> list[str]:
    """Return the secrets in the form of a request to the token endpoint."""
    return [value for name, value in parse_qsl(body.decode()) if name in _SECRETS]


def refused_grant(
    status: int, payload: Mapping[str, Any], correlation_id: str | None
) -> AuthenticationError:
    """Return the error of a token endpoint that refuses to return a token."""
    codes = [payload.get("error"), payload.get("status")]
    words = [code for code in codes if isinstance(code, str) and code != "error"]
    why = payload.get("error_description") or payload.get("message")
    if _DEAD_GRANTS.isdisjoint(words):
        cls, hint = AuthenticationError, "Check the client id and the client secret."
    else:
        cls, hint = ReconnectRequired, "The account must install the app again."
    return cls(
        str(why or "HubSpot gave no reason"),
        advice=f"The access token cannot be refreshed. {hint}",
        status=status,
        category=words[0] if words else None,
        correlation_id=correlation_id,
    )


GRANTS = Codec(
    for_any_operation(_encode), _form, whole, ResultShape(every(_grant), no_key)
)

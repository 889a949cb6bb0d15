"""OAuth's token endpoint, for access tokens that run out."""

from collections.abc import Callable
from typing import Final
from urllib.parse import parse_qsl

import attrs

from hubbatch.simulator.accounts import Account, Token
from hubbatch.simulator.wire import Answer, Request, as_json


# "expires_in": access tokens live for half an hour.
LIFETIME: Final = 1800


@attrs.frozen
class Installation:
    """A public app in an account, which a refresh token stands for."""

    account: Account
    client_id: str
    client_secret: str
    app_id: int
    lifetime: float = LIFETIME
    scopes: frozenset[str] | None = None


def exchanged(
    request: Request,
    installation: Installation | None,
    correlation: str,
    issue: Callable[[Installation], Token],
) -> Answer:
    """Give a new access token for a refresh token."""
    asked = form(request)
    if asked.get("grant_type") != "refresh_token":
        return _refused(
            "unsupported_grant_type",
            "BAD_GRANT_TYPE",
            "grant_type must be refresh_token",
            correlation,
        )
    if installation is None:
        return _refused(
            "invalid_grant",
            "BAD_REFRESH_TOKEN",
            "refresh token is invalid, expired or revoked",
            correlation,
        )
    shown = (asked.get("client_id"), asked.get("client_secret"))
    if shown != (installation.client_id, installation.client_secret):
        text = "missing or invalid client id or client secret"
        return _refused("invalid_client", "BAD_CLIENT", text, correlation)
    return as_json(
        200,
        {
            "access_token": issue(installation).value,
            "refresh_token": asked["refresh_token"],
            "expires_in": int(installation.lifetime),
            "token_type": "bearer",
            "token_use": "access_token",
            "hub_id": installation.account.portal_id,
        },
    )


def form(request: Request) -> dict[str, str]:
    """Read the parameters, which stand in the body."""
    return dict(parse_qsl(request.content.decode(errors="replace")))


def _refused(error: str, status: str, text: str, correlation: str) -> Answer:
    # RFC 6749 since OAuth v3, beside what HubSpot said before.
    body = {
        "error": error,
        "error_description": text,
        "status": status,
        "message": text,
        "correlationId": correlation,
    }
    return as_json(400, body)

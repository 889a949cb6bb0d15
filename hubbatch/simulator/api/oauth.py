"""OAuth's token endpoint, which exchanges refresh tokens for access tokens."""

from collections.abc import Callable
from urllib.parse import parse_qsl

from hubbatch.simulator.api.apps import Installation
from hubbatch.simulator.api.call import OpenCall, Result
from hubbatch.simulator.crm.accounts import Token
from hubbatch.simulator.wire import Answer, Request, as_json


def answer(call: OpenCall) -> Result:
    """Answer a request for an access token."""
    refresh_token = parse_form(call.request).get("refresh_token", "")
    installation = call.apps.installations.get(refresh_token)
    renew, correlation = call.apps.renew, call.correlation
    return exchange_token(call.request, installation, correlation, renew), 0


def exchange_token(
    request: Request,
    installation: Installation | None,
    correlation: str,
    issue: Callable[[Installation], Token],
) -> Answer:
    """Answer a token request.

    Args:
        request: The request, whose body is a form.
        installation: The installation of its refresh token; None if unknown.
        correlation: The correlation id of the answer.
        issue: Issues the new access token.
    """
    fields = parse_form(request)
    if fields.get("grant_type") != "refresh_token":
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
    client = (fields.get("client_id"), fields.get("client_secret"))
    if client != (installation.client_id, installation.client_secret):
        message = "missing or invalid client id or client secret"
        return _refused("invalid_client", "BAD_CLIENT", message, correlation)
    return as_json(
        200,
        {
            "access_token": issue(installation).value,
            "refresh_token": fields["refresh_token"],
            "expires_in": int(installation.lifetime),
            "token_type": "bearer",
            "token_use": "access_token",
            "hub_id": installation.account.portal_id,
        },
    )


def parse_form(request: Request) -> dict[str, str]:
    """Return the form parameters in the body."""
    return dict(parse_qsl(request.content.decode(errors="replace")))


def _refused(error: str, status: str, message: str, correlation: str) -> Answer:
    # OAuth v3 added the keys of RFC 6749 to those that HubSpot had before.
    body = {
        "error": error,
        "error_description": message,
        "status": status,
        "message": message,
        "correlationId": correlation,
    }
    return as_json(400, body)

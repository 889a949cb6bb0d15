"""OAuth's token endpoint, which exchanges codes and refresh tokens."""

import hashlib

from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final
from urllib.parse import parse_qsl

import attrs

from hubbatch.simulator.api.apps import Code
from hubbatch.simulator.api.call import OpenCall, Result
from hubbatch.simulator.api.missing import not_implemented
from hubbatch.simulator.crm.accounts import USER_ID
from hubbatch.simulator.wire import Answer, Request, as_json


@attrs.define
class OAuthRefusal(Exception):
    """A refusal of the token endpoint, in RFC 6749's words and in HubSpot's."""

    error: str
    status: str
    message: str

    def answer(self, call: OpenCall) -> Answer:
        """Return the answer, which has the RFC's keys since version 3."""
        body = {
            "error": self.error,
            "error_description": self.message,
            "status": self.status,
            "message": self.message,
            "correlationId": call.correlation,
        }
        if is_v1(call.request):
            del body["error"], body["error_description"]
        return as_json(400, body)


bad_client: Final = partial(
    OAuthRefusal,
    "invalid_client",
    "BAD_CLIENT",
    "missing or invalid client id or client secret",
)
_bad_code: Final = partial(
    OAuthRefusal, "invalid_grant", "BAD_AUTH_CODE", "missing or unknown auth code"
)
# HubSpot's text is unknown.
_bad_redirect: Final = partial(
    OAuthRefusal, "invalid_grant", "BAD_REDIRECT_URI", "missing or invalid redirect uri"
)
_bad_refresh_token: Final = partial(
    OAuthRefusal,
    *("invalid_grant", "BAD_REFRESH_TOKEN"),
    "refresh token is invalid, expired or revoked",
)
_bad_grant: Final = partial(
    OAuthRefusal,
    *("unsupported_grant_type", "BAD_GRANT_TYPE"),
    "grant_type must be authorization_code or refresh_token",
)


def answer(call: OpenCall) -> Result:
    """Answer a request for an access token."""
    fields = parse_form(call.request)
    grant = fields.get("grant_type", "")
    if grant == "client_credentials":
        return not_implemented("the grant type client_credentials"), 0
    exchange = _GRANTS.get(grant)
    try:
        if exchange is None:
            raise _bad_grant()
        return as_json(200, _issued(call, exchange(call, fields))), 0
    except OAuthRefusal as refusal:
        return refusal.answer(call), 0


def is_v1(request: Request) -> bool:
    """Return whether a request is one of OAuth v1."""
    return request.path.startswith("/oauth/v1/")


def parse_form(request: Request) -> dict[str, str]:
    """Return the form parameters in the body."""
    return dict(parse_qsl(request.content.decode(errors="replace")))


def _refresh(call: OpenCall, fields: Mapping[str, str]) -> str:
    """Return the refresh token in the form, if it is valid."""
    refresh_token = fields.get("refresh_token", "")
    installation = call.apps.installations.get(refresh_token)
    if installation is None:
        raise _bad_refresh_token()
    if not installation.app.is_client(fields):
        raise bad_client()
    return refresh_token


def _redeem(call: OpenCall, fields: Mapping[str, str]) -> str:
    """Return the refresh token for a code, which works once.

    Recorded: the same answer for an unknown code, one that was used, one that has
    expired, and one of another app.
    """
    value = fields.get("code", "")
    code = call.apps.codes.get(value)
    if code is None or code.expires <= call.now.ms:
        raise _bad_code()
    if code.app.client_id != fields.get("client_id"):
        raise _bad_code()
    if not code.app.is_client(fields):
        raise bad_client()
    # Strict: a failed exchange uses up the code, too.
    del call.apps.codes[value]
    if fields.get("redirect_uri") != code.redirect_uri:
        raise _bad_redirect()
    if not _is_verified(code, fields.get("code_verifier", "")):
        raise _bad_code()
    former = call.apps.refresh_token(code.app, code.account)
    return call.apps.add_installation(
        code.app, code.account, code.scopes, refresh_token=former
    )


def _is_verified(code: Code, verifier: str) -> bool:
    """Return whether the verifier is that of the code's challenge (RFC 7636, S256)."""
    if code.challenge is None:
        return True
    digest = hashlib.sha256(verifier.encode()).digest()
    return urlsafe_b64encode(digest).rstrip(b"=").decode() == code.challenge


def _issued(call: OpenCall, refresh_token: str) -> dict[str, Any]:
    installation = call.apps.installations[refresh_token]
    token = call.apps.renew(installation)
    body = {
        "access_token": token.value,
        "refresh_token": refresh_token,
        "expires_in": int(installation.lifetime),
        "token_type": "bearer",
        "token_use": "access_token",
    }
    if is_v1(call.request):
        return body
    return {
        **body,
        "hub_id": installation.account.portal_id,
        "user_id": USER_ID,
        "scopes": token.granted(),
    }


_GRANTS: Final[Mapping[str, Callable[[OpenCall, Mapping[str, str]], str]]] = {
    "authorization_code": _redeem,
    "refresh_token": _refresh,
}

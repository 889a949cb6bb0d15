"""What a token has access to, asked with the token itself."""

from typing import Any

from hubbatch.simulator.api.bodies import parse_json
from hubbatch.simulator.api.call import OpenCall, Result
from hubbatch.simulator.crm.accounts import USER_ID, Token
from hubbatch.simulator.crm.links import missing_fields
from hubbatch.simulator.wire import Refusal, as_json


def answer_access_token(call: OpenCall) -> Result:
    """Answer about the access token of a public app; private apps' are refused."""
    token = _valid(call, call.route.name, oauth=True)
    portal_id = token.account.portal_id
    body: dict[str, Any] = {
        "token": token.value,
        "user": "user@example.com",
        "hub_domain": f"portal{portal_id}.example.com",
        "scopes": token.granted(),
        "token_type": "access",
        "user_id": USER_ID,
        "is_private_distribution": False,
        "hub_id": portal_id,
        "expires_in": _seconds_left(token, call.now.ms),
        "app_id": token.app_id,
    }
    return as_json(200, body), 0


def answer_private_app(call: OpenCall) -> Result:
    """Answer about the access token of a private app."""
    body = parse_json(call.request.content)
    key = body.get("tokenKey") if isinstance(body, dict) else None
    if not isinstance(key, str):
        raise missing_fields(["tokenKey"])
    token = _valid(call, key, oauth=False)
    info = {
        "userId": USER_ID,
        "hubId": token.account.portal_id,
        "appId": token.app_id,
        "scopes": token.granted(),
    }
    return as_json(200, info), 0


def _valid(call: OpenCall, value: str | None, *, oauth: bool) -> Token:
    token = call.apps.tokens.get(value or "")
    if token is None or token.oauth != oauth or not _seconds_left(token, call.now.ms):
        # That the two calls refuse each other's tokens was seen live; HubSpot's text
        # is unknown.
        raise Refusal(404, "The access token is unknown or expired")
    return token


def _seconds_left(token: Token, now: int) -> int:
    # A token that never expires is one of a private app, or of a test.
    return 1800 if token.expires is None else max(0, (token.expires - now) // 1000)

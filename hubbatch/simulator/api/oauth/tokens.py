"""What a token has access to, asked with the token itself."""

from typing import Any, Final

from hubbatch.simulator.api.apps import Apps, Installation
from hubbatch.simulator.api.bodies import parse_json
from hubbatch.simulator.api.call import OpenCall, Result
from hubbatch.simulator.api.oauth.grants import bad_client, parse_form
from hubbatch.simulator.crm.accounts import USER_ID, Token
from hubbatch.simulator.crm.links import missing_fields
from hubbatch.simulator.wire import Answer, Refusal, as_json


_USER: Final = "user@example.com"


def answer_access_token(call: OpenCall) -> Result:
    """Answer about the access token of a public app; private apps' are refused."""
    token = _valid(call, call.route.name, oauth=True)
    return as_json(200, _access_json(token, call.now.ms)), 0


def answer_refresh_token(call: OpenCall) -> Result:
    """Answer about a refresh token of OAuth v1, or delete it."""
    value = call.route.name or ""
    installation = call.apps.installations.get(value)
    if installation is None:
        # HubSpot's text is unknown.
        raise Refusal(404, "The refresh token is unknown")
    if call.route.verb == "revoke":
        # Documented: its access tokens work until they expire.
        del call.apps.installations[value]
        return Answer(204), 0
    return as_json(200, _refresh_json(value, installation)), 0


def answer_introspect(call: OpenCall) -> Result:
    """Answer whether a token of an app is active, and what it can do."""
    fields = parse_form(call.request)
    app = call.apps.registered.get(fields.get("client_id", ""))
    if app is None or not app.is_client(fields):
        return bad_client().answer(call), 0
    value = fields.get("token", "")
    installation = call.apps.installations.get(value)
    token = _access(call.apps, value)
    # HubSpot's answer for a token that is not active is unknown: this is RFC 7662's.
    body: dict[str, Any] = {"active": False}
    more = {"active": True, "client_id": app.client_id, "app_id": app.app_id}
    if installation is not None and installation.app.client_id == app.client_id:
        shown = _refresh_json(value, installation)
        body = {**shown, **more, "token_use": "refresh_token"}
    elif token is not None and token.app_id == app.app_id:
        shown = _access_json(token, call.now.ms)
        if shown["expires_in"]:
            body = {**shown, **more, "token_use": "access_token"}
    return as_json(200, body), 0


def answer_revoke(call: OpenCall) -> Result:
    """Delete a refresh token of an app; others are ignored, as RFC 7009 says."""
    fields = parse_form(call.request)
    app = call.apps.registered.get(fields.get("client_id", ""))
    if app is None or not app.is_client(fields):
        return bad_client().answer(call), 0
    installation = call.apps.installations.get(fields.get("token", ""))
    if installation is not None and installation.app.client_id == app.client_id:
        del call.apps.installations[fields["token"]]
    return Answer(200), 0


def _access(apps: Apps, value: str) -> Token | None:
    token = apps.tokens.get(value)
    return token if token is not None and token.oauth else None


def _access_json(token: Token, now: int) -> dict[str, Any]:
    portal_id = token.account.portal_id
    return {
        "token": token.value,
        "user": _USER,
        "hub_domain": f"portal{portal_id}.example.com",
        "scopes": token.granted(),
        "token_type": "access",
        "user_id": USER_ID,
        "is_private_distribution": False,
        "hub_id": portal_id,
        "expires_in": _seconds_left(token, now),
        "app_id": token.app_id,
    }


def _refresh_json(value: str, installation: Installation) -> dict[str, Any]:
    account, scopes = installation.account, installation.scopes
    return {
        "token": value,
        "user": _USER,
        "hub_domain": f"portal{account.portal_id}.example.com",
        "scopes": account.granted(scopes),
        "client_id": installation.app.client_id,
        "hub_id": account.portal_id,
        "user_id": USER_ID,
        "token_type": "refresh",
    }


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

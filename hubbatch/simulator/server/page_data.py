"""The data for the page at `/`, without tokens or property values."""

from collections.abc import Iterable, Mapping
from typing import Any

from hubbatch.simulator.crm.accounts import Account
from hubbatch.simulator.server.page import HTML, PATH, STATE_PATH
from hubbatch.simulator.server.received import Received
from hubbatch.simulator.wire import Answer, as_json


def answer_for(
    method: str,
    path: str,
    accounts: Mapping[int, Account],
    requests: Iterable[Received],
    now: float,
) -> Answer | None:
    """Return the page or its state; None for any other request."""
    if method != "GET":
        return None
    if path == PATH:
        return Answer(200, HTML.encode(), "text/html;charset=utf-8")
    if path == STATE_PATH:
        return as_json(200, state(accounts, requests, now))
    return None


def state(
    accounts: Mapping[int, Account], requests: Iterable[Received], now: float
) -> dict[str, Any]:
    """Return the accounts, their windows, and the requests, latest first."""
    return {
        "now": now,
        "portals": [_portal(account) for account in accounts.values()],
        "windows": [
            {
                "portal": account.portal_id,
                "app": app_id,
                "family": family,
                "used": window.used(now),
                "limit": window.limit,
            }
            for account in accounts.values()
            for (app_id, family), window in account.windows.items()
        ],
        "requests": [_request(received) for received in reversed([*requests])],
    }


def _portal(account: Account) -> dict[str, Any]:
    return {
        "id": account.portal_id,
        "used": account.day.used,
        "limit": account.day.limit,
        "records": account.store.sizes(),
    }


def _request(received: Received) -> dict[str, Any]:
    body = received.body
    inputs = body.get("inputs") if isinstance(body, dict) else None
    return {
        "at": received.at,
        "method": received.method,
        "path": received.path,
        "status": received.status,
        "inputs": len(inputs) if isinstance(inputs, list) else None,
        "implemented": received.implemented,
    }

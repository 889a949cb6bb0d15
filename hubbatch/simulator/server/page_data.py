"""The data for the page at `/`, without tokens or property values."""

from collections.abc import Iterable
from typing import Any

from hubbatch.simulator.api.apps import Apps
from hubbatch.simulator.crm.accounts import Account
from hubbatch.simulator.crm.lists import RecordList
from hubbatch.simulator.limits import RollingWindow, SecondWindow
from hubbatch.simulator.server.page import HTML, PATH, STATE_PATH
from hubbatch.simulator.server.received import Received
from hubbatch.simulator.wire import Answer, as_json


def answer_for(
    method: str,
    path: str,
    apps: Apps,
    requests: Iterable[Received],
    now: float,
) -> Answer | None:
    """Return the page or its state; None for any other request."""
    if method != "GET":
        return None
    if path == PATH:
        return Answer(200, HTML.encode(), "text/html;charset=utf-8")
    if path == STATE_PATH:
        return as_json(200, apps.secrets.mask_values(state(apps, requests, now)))
    return None


def state(apps: Apps, requests: Iterable[Received], now: float) -> dict[str, Any]:
    """Return the accounts, their windows, the apps, and the requests, latest first."""
    accounts = apps.accounts.values()
    return {
        "now": now,
        "portals": [_portal(account) for account in accounts],
        "windows": [
            {
                "portal": account.portal_id,
                "app": app_id,
                "family": family,
                "used": window.used(now),
                "limit": window.limit,
            }
            for account in accounts
            for (app_id, family), window in _windows(account)
        ],
        "apps": [
            {
                "client": app.client_id,
                "app": app.app_id,
                "portals": [
                    each.account.portal_id
                    for each in apps.installations.values()
                    if each.app.client_id == app.client_id
                ],
            }
            for app in apps.registered.values()
        ],
        "requests": [_request(received) for received in reversed([*requests])],
    }


def _portal(account: Account) -> dict[str, Any]:
    return {
        "id": account.portal_id,
        "used": account.day.used,
        "limit": account.day.limit,
        "records": account.store.sizes(),
        "lists": [_list(account, each) for each in account.store.lists.by_id.values()],
    }


def _windows(
    account: Account,
) -> list[tuple[tuple[int | None, str], RollingWindow | SecondWindow]]:
    """Return the windows of each app, and those that all apps share."""
    shared = {"search": account.searches}
    if account.store.events:
        shared["events"] = account.events
    return [
        *account.windows.items(),
        *(((None, name), shared[name]) for name in shared),
    ]


def _list(account: Account, of: RecordList) -> dict[str, Any]:
    shelf = account.store.shelf(of.type_id)
    kind = of.type_id if shelf is None else shelf.type.plural
    return {"name": of.name, "type": kind, "size": len(of.members)}


def _request(received: Received) -> dict[str, Any]:
    body = received.body
    inputs = body.get("inputs") if isinstance(body, dict) else None
    return {
        "at": received.at,
        "method": received.method,
        "path": received.shown_path,
        "status": received.status,
        "inputs": len(inputs) if isinstance(inputs, list) else None,
        "implemented": received.implemented,
    }

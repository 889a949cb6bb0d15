"""A stand-in for the page on which a user installs an app: it consents at once."""

from urllib.parse import urlencode

from hubbatch.simulator.api.apps import App
from hubbatch.simulator.api.call import OpenCall, Result
from hubbatch.simulator.crm.accounts import Account
from hubbatch.simulator.wire import Answer, html_page


def answer(call: OpenCall) -> Result:
    """Redirect to the app with a code.

    HubSpot shows the user a page, and an error page if the request is wrong.
    """
    query = call.request.query
    app = call.apps.registered.get(query.get("client_id", ""))
    account = _account(call)
    redirect_uri = query.get("redirect_uri", "")
    problem = None
    if app is None:
        problem = "client_id is unknown"
    elif account is None:
        problem = "the portal is unknown"
    elif redirect_uri not in app.redirect_uris:
        problem = "redirect_uri is not one of the app's"
    elif query.get("code_challenge_method", "S256") != "S256":
        problem = "code_challenge_method must be S256"
    elif not _wanted(app, query.get("scope", "")):
        problem = "scope is missing, or not among the app's scopes"
    if app is None or account is None or problem is not None:
        return html_page(400, "Bad Request", f"Simulator: {problem}"), 0
    optional = _wanted(app, query.get("optional_scope", ""), strict=False)
    code = call.apps.issue_code(
        *(app, account, redirect_uri),
        scopes=_wanted(app, query["scope"]) | optional | {"oauth"},
        challenge=query.get("code_challenge"),
    )
    parameters = {"code": code}
    if "state" in query:
        parameters["state"] = query["state"]
    joint = "&" if "?" in redirect_uri else "?"
    location = f"{redirect_uri}{joint}{urlencode(parameters)}"
    return Answer(302, headers={"Location": location}), 0


def _account(call: OpenCall) -> Account | None:
    """Return the account in the path; by default the first one."""
    if call.route.name is None:
        return next(iter(call.apps.accounts.values()))
    return call.apps.accounts.get(int(call.route.name))


def _wanted(app: App, listed: str, *, strict: bool = True) -> frozenset[str]:
    """Return the scopes that the app may have; none if one is not among the app's."""
    scopes = frozenset(listed.split())
    if app.scopes is None or scopes <= app.scopes:
        return scopes
    return frozenset() if strict else scopes & app.scopes

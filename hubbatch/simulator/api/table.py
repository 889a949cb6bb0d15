"""The function behind each family of calls in `routes`."""

from collections.abc import Callable, Mapping
from typing import Final

from hubbatch.simulator.api import account, memberships, oauth, schemas
from hubbatch.simulator.api.associations import batches as associations
from hubbatch.simulator.api.associations import batches_v3 as associations_v3
from hubbatch.simulator.api.associations import limits
from hubbatch.simulator.api.call import Call, OpenCall, Result
from hubbatch.simulator.api.properties import batches as property_batches
from hubbatch.simulator.api.properties import calls as properties
from hubbatch.simulator.api.properties import groups
from hubbatch.simulator.api.records import legacy, listing, splits, verbs
from hubbatch.simulator.routes import Family
from hubbatch.simulator.wire import Request, html_page


def answer(call: Call) -> Result:
    """Return the answer to a call, and the number of records processed.

    Raises:
        Refusal: If HubSpot refuses the whole call.
    """
    if call.route.row.methods and not _has_json(call.request):
        return html_page(415, "Unsupported Media Type", "Unsupported Media Type"), 0
    return ANSWERS[call.route.family](call)


def _has_json(request: Request) -> bool:
    kind = request.headers.get("Content-Type", "").partition(";")[0]
    is_json = kind.strip().lower() == "application/json"
    if request.method in {"POST", "PATCH"}:
        return is_json
    return is_json or request.method != "PUT" or not request.content


def _unknown_path(_: Call) -> Result:
    return html_page(404, "Not Found", "Resource not found"), 0


def _wrong_method(_: Call) -> Result:
    return html_page(405, "Method Not Allowed", "Method Not Allowed"), 0


ANSWERS: Final[Mapping[Family, Callable[[Call], Result]]] = {
    "unknown path": _unknown_path,
    "wrong method": _wrong_method,
    "account": account.answer,
    "associations": associations.answer,
    "associations v3": associations_v3.answer,
    "batch": verbs.answer,
    "labels": associations.answer_labels,
    "legacy": legacy.answer,
    "limits": limits.answer,
    "list": listing.answer,
    "memberships": memberships.answer,
    "properties": properties.answer_all,
    "properties batch": property_batches.answer,
    "property": properties.answer_one,
    "property group": groups.answer_one,
    "property groups": groups.answer_all,
    "schemas": schemas.answer,
    "splits": splits.answer,
}

# Calls without an access token: they have no limits and count nowhere.
OPEN: Final[Mapping[Family, Callable[[OpenCall], Result]]] = {
    "oauth": oauth.answer,
}

"""The function behind each family of calls in `routes`."""

from collections.abc import Callable, Mapping
from typing import Final

from hubbatch.simulator.api import account, definitions, memberships, oauth, schemas
from hubbatch.simulator.api.associations import batches as associations
from hubbatch.simulator.api.associations import batches_v3 as associations_v3
from hubbatch.simulator.api.associations import labels, limits
from hubbatch.simulator.api.associations import single as association
from hubbatch.simulator.api.call import Call, OpenCall, Result
from hubbatch.simulator.api.records import (
    legacy,
    listing,
    single,
    single_associations,
    splits,
    verbs,
)
from hubbatch.simulator.masking import mask_path
from hubbatch.simulator.routes import Family
from hubbatch.simulator.wire import Request, as_json, html_page


NOT_IMPLEMENTED: Final = 501


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


def _not_implemented(call: OpenCall) -> Result:
    """Answer a call that HubSpot may have: unlike HubSpot, so that it is noticed."""
    path = mask_path(call.request.path)
    body = {
        "error": "SIMULATOR_NOT_IMPLEMENTED",
        "category": "SIMULATOR_NOT_IMPLEMENTED",
        "message": f"the simulator does not have {call.request.method} {path}",
        "hint": "This is the simulator's answer, not HubSpot's: it does not know "
        "whether HubSpot has this call. Check the method and the path. To test with "
        "an answer of your own, add Fault('status', status=..., body=..., "
        "times=None, when=When(path=...)).",
    }
    return as_json(NOT_IMPLEMENTED, body, {"Server": "hubbatch-simulator"}), 0


def _no_such_path(_: Call) -> Result:
    return html_page(404, "Not Found", "Resource not found"), 0


def _wrong_method(_: Call) -> Result:
    return html_page(405, "Method Not Allowed", "Method Not Allowed"), 0


ANSWERS: Final[Mapping[Family, Callable[[Call], Result]]] = {
    "no such path": _no_such_path,
    "wrong method": _wrong_method,
    "account": account.answer,
    "associations": associations.answer,
    "associations v3": associations_v3.answer,
    "default association": association.answer_default,
    "associated records": association.answer_list,
    "association": association.answer_pair,
    "batch": verbs.answer,
    "labels": labels.answer_list,
    "own labels": labels.answer,
    "legacy": legacy.answer,
    "limits": limits.answer,
    "limits list": limits.answer_list,
    "list": listing.answer,
    "record": single.answer,
    "record associations": single_associations.answer,
    "merge": single.answer_merge,
    "gdpr-delete": single.answer_purge,
    "memberships": memberships.answer,
    "properties": definitions.answer,
    "property": definitions.answer_property,
    "schemas": schemas.answer,
    "splits": splits.answer,
}

# Calls without an access token: they have no limits and are not counted.
OPEN: Final[Mapping[Family, Callable[[OpenCall], Result]]] = {
    "oauth": oauth.answer,
    "unknown path": _not_implemented,
}

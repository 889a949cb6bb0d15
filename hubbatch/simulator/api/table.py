"""The function behind each family of calls in `routes`."""

import re

from collections.abc import Callable, Mapping
from typing import Final

from hubbatch.simulator.api import events
from hubbatch.simulator.api.associations import batches as associations
from hubbatch.simulator.api.associations import batches_v3 as associations_v3
from hubbatch.simulator.api.associations import labels, limits
from hubbatch.simulator.api.associations import single as association
from hubbatch.simulator.api.call import Call, OpenCall, Result
from hubbatch.simulator.api.lists import lists, members, memberships
from hubbatch.simulator.api.missing import not_implemented
from hubbatch.simulator.api.oauth import authorize, grants, tokens
from hubbatch.simulator.api.properties import batches as property_batches
from hubbatch.simulator.api.properties import calls as properties
from hubbatch.simulator.api.properties import groups
from hubbatch.simulator.api.records import (
    legacy,
    listing,
    search,
    single,
    single_associations,
    splits,
    verbs,
)
from hubbatch.simulator.api.schemas import calls as schemas
from hubbatch.simulator.api.settings import account, calling, owners, pipelines
from hubbatch.simulator.masking import mask_path
from hubbatch.simulator.row import VERSION, Family
from hubbatch.simulator.wire import Request, html_page


# What looks like a dated version, whether or not HubSpot has it.
_DATED: Final = re.compile(r"/(\d{4}-\d\d(?:-beta)?)(?:/|$)")


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
    secrets = call.apps.secrets
    path = mask_path(call.request.path, secrets)
    what = f"{secrets.mask(call.request.method)} {path}"
    dated = _DATED.search(path)
    if dated is not None and re.fullmatch(VERSION, dated[1]) is None:
        what = f"the version {dated[1]} ({what})"
    return not_implemented(what), 0


def _no_such_path(_: Call) -> Result:
    return html_page(404, "Not Found", "Resource not found"), 0


def _wrong_method(_: Call) -> Result:
    return html_page(405, "Method Not Allowed", "Method Not Allowed"), 0


ANSWERS: Final[Mapping[Family, Callable[[Call], Result]]] = {
    "no such path": _no_such_path,
    "wrong method": _wrong_method,
    "account": account.answer,
    "add members from": members.answer_add_from,
    "associations": associations.answer,
    "associations v3": associations_v3.answer,
    "default association": association.answer_default,
    "associated records": association.answer_list,
    "association": association.answer_pair,
    "batch": verbs.answer,
    "change list": lists.answer_change,
    "change members": members.answer_change,
    "event": events.answer,
    "events": events.answer_batch,
    "join order": members.answer_join_order,
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
    "list by name": lists.answer_named,
    "list search": lists.answer_search,
    "lists": lists.answer_lists,
    "lists of record": members.answer_of_record,
    "members": members.answer,
    "memberships": memberships.answer,
    "one list": lists.answer_list,
    "owner": owners.answer,
    "owners": owners.answer_list,
    "pipeline": pipelines.answer_pipeline,
    "pipelines": pipelines.answer_pipelines,
    "properties": properties.answer_all,
    "properties batch": property_batches.answer,
    "property": properties.answer_one,
    "property group": groups.answer_one,
    "property groups": groups.answer_all,
    "schemas": schemas.answer_batch,
    "all schemas": schemas.answer_all,
    "schema": schemas.answer_one,
    "schema associations": schemas.answer_associate,
    "schema association": schemas.answer_dissociate,
    "search": search.answer,
    "splits": splits.answer,
    "connection statuses": calling.answer,
    "stage": pipelines.answer_stage,
    "stages": pipelines.answer_stages,
}

# Calls without an access token: they have no limits and are not counted.
OPEN: Final[Mapping[Family, Callable[[OpenCall], Result]]] = {
    "access token": tokens.answer_access_token,
    "private app token": tokens.answer_private_app,
    "refresh token": tokens.answer_refresh_token,
    "introspect": tokens.answer_introspect,
    "revoke": tokens.answer_revoke,
    "oauth": grants.answer,
    "authorize": authorize.answer,
    "unknown path": _not_implemented,
}

"""The owners of records."""

from typing import Any, Final

from hubbatch.simulator.api.call import Call, Result
from hubbatch.simulator.api.parameters import flag, next_page, number, unknown
from hubbatch.simulator.api.refusals import whole_number
from hubbatch.simulator.crm.owners import Owner
from hubbatch.simulator.wire import as_json, iso


# Specification; a public mock of HubSpot has the maximum.
_DEFAULT_LIMIT: Final = 100
_MAX_LIMIT: Final = 500


def answer_list(call: Call) -> Result:
    """Answer with one page of owners, in the order of their ids as recorded."""
    query = call.request.query
    limit = number(query, "limit", _DEFAULT_LIMIT, _MAX_LIMIT)
    after = whole_number("after", query.get("after") or "0")
    archived, email = flag(query, "archived"), query.get("email")
    owners = sorted(call.store.owners.by_id.values(), key=lambda owner: int(owner.id))
    rest = [
        owner
        for owner in owners
        if owner.archived == archived
        and int(owner.id) > after
        and email in (None, "", owner.email)
    ]
    body: dict[str, Any] = {"results": [_json(owner) for owner in rest[:limit]]}
    if len(rest) > limit:
        cursor = rest[limit - 1].id
        body["paging"] = next_page(call.request, cursor)
    return as_json(200, body), len(body["results"])


def answer(call: Call) -> Result:
    """Answer with an owner by id, or by the id of the user."""
    query, wanted = call.request.query, call.route.name
    by_user = query.get("idProperty", "id") == "userId"
    for owner in call.store.owners.by_id.values():
        key = str(owner.user_id) if by_user else owner.id
        if key == wanted and owner.archived == flag(query, "archived"):
            return as_json(200, _json(owner)), 1
    return unknown(), 0


def _json(owner: Owner) -> dict[str, Any]:
    body: dict[str, Any] = {
        "id": owner.id,
        "email": owner.email,
        "type": "PERSON",
        "firstName": owner.first_name,
        "lastName": owner.last_name,
        # Documented: a deactivated owner has no user.
        "userId": None if owner.archived else owner.user_id,
        "userIdIncludingInactive": owner.user_id,
        "createdAt": iso(owner.created),
        "updatedAt": iso(owner.updated),
        "archived": owner.archived,
    }
    if owner.teams:
        body["teams"] = [
            {"id": str(n), "name": name, "primary": n == 1}
            for n, name in enumerate(owner.teams, 1)
        ]
    return body

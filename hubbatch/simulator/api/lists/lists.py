"""Lists: create, get, search, rename, delete and restore."""

from collections.abc import Iterable, Mapping
from typing import Any, Final, get_args

from hubbatch.simulator.api.bodies import parse_json
from hubbatch.simulator.api.call import Call, Result
from hubbatch.simulator.api.parameters import flag, listed
from hubbatch.simulator.crm.accounts import USER_ID
from hubbatch.simulator.crm.lists import RESTORABLE_MS, ProcessingType, RecordList
from hubbatch.simulator.crm.records import as_string
from hubbatch.simulator.wire import (
    VALIDATION_ERROR,
    Answer,
    Refusal,
    as_json,
    iso,
)


# Lists guide, 2026: results of a search.
_DEFAULT_COUNT: Final = 20
_MAX_COUNT: Final = 500
_PROCESSING: Final = get_args(ProcessingType)


def answer_lists(call: Call) -> Result:
    """Answer with lists by their ids, or create one."""
    if call.request.method == "POST":
        return as_json(200, {"list": _json(_create(call), with_filters=True)}), 1
    query = call.request.query
    found = map(call.store.lists.by_id.get, listed(query, "listIds"))
    lists = [
        _json(each, with_filters=flag(query, "includeFilters"))
        for each in found
        if each is not None and each.deleted_on is None
    ]
    return as_json(200, {"lists": lists}), len(lists)


def answer_list(call: Call) -> Result:
    """Answer with a list, deleted or not, or delete it."""
    of = known_list(call, deleted=call.request.method == "GET")
    if call.request.method == "DELETE":
        of.deleted_on = of.updated = call.now.ms
        return Answer(204), 0
    return as_json(200, {"list": _fetched(call, of)}), 1


def answer_named(call: Call) -> Result:
    """Answer with the list of a name."""
    name = call.route.name or ""
    shelf = call.store.shelf(call.route.object_type)
    of = None if shelf is None else call.store.lists.named(shelf.type.id, name)
    if of is None:
        message = f"List does not exist with name {name}."
        raise _missing(message, "ListError.LIST_NAME_DOES_NOT_EXIST", "listName", name)
    return as_json(200, {"list": _fetched(call, of)}), 1


def answer_change(call: Call) -> Result:
    """Rename a list, change its filters, or restore it."""
    match call.route.verb:
        case "restore":
            of = known_list(call, deleted=True)
            gone = of.deleted_on is not None
            if of.deleted_on and call.now.ms - of.deleted_on > RESTORABLE_MS:
                raise _unknown_list(of.id)
            if gone:
                _check_name(call, of.type_id, of.name)
            of.deleted_on, of.updated = None, call.now.ms
            return Answer(204), 0
        case "update-list-name":
            of = known_list(call)
            name = call.request.query.get("listName", "")
            if not name:
                raise _required(call, ["listName"])
            if name != of.name:
                _check_name(call, of.type_id, name)
            of.name, of.updated = name, call.now.ms
            with_filters = flag(call.request.query, "includeFilters")
        case _:
            of = known_list(call)
            body = parse_json(call.request.content)
            branch = body.get("filterBranch") if isinstance(body, dict) else None
            if not isinstance(branch, dict):
                raise _required(call, ["filterBranch"])
            if of.processing != "DYNAMIC":
                raise _invalid(f"List {of.id} has no filters: it is {of.processing}")
            of.filters = branch
            of.updated = of.filters_updated = call.now.ms
            with_filters = True
    return as_json(200, {"updatedList": _json(of, with_filters=with_filters)}), 1


def answer_search(call: Call) -> Result:
    """Answer with one page of the lists that are not deleted."""
    body = parse_json(call.request.content) if call.request.content else None
    if body is None:
        # Recorded in 2026: errors that are strings, and no category.
        errors = ["The request body may not be null"]
        raise Refusal(400, "validation error", fields={"errors": errors})
    if not isinstance(body, dict):
        raise _invalid("Invalid input: the request body must be an object")
    for name in ("processingTypes", "listIds"):
        if not isinstance(body.get(name), list | None):
            raise _invalid(f"Invalid input: {name} must be a list")
    count = _integer(body, "count", _DEFAULT_COUNT, range(1, _MAX_COUNT + 1))
    offset = _integer(body, "offset", 0, range(2**31))
    found = [each for each in call.store.lists.by_id.values() if _matches(each, body)]
    page = found[offset : offset + count]
    end = offset + len(page)
    answer = {
        "offset": end,
        "hasMore": end < len(found),
        "lists": [_searched(call, each) for each in page],
        "total": len(found),
    }
    return as_json(200, answer), len(page)


def known_list(call: Call, *, deleted: bool = False) -> RecordList:
    """Return the list in the path.

    Raises:
        Refusal: If it is unknown or, unless `deleted`, deleted.
    """
    list_id = call.route.name or ""
    of = call.store.lists.by_id.get(list_id)
    if of is None or (of.deleted_on is not None and not deleted):
        raise _unknown_list(list_id)
    return of


def _unknown_list(list_id: str) -> Refusal:
    # Recorded in 2026, for a read.
    message = f"List does not exist with ID {list_id}."
    return _missing(message, "ListError.LIST_ID_DOES_NOT_EXIST", "listId", list_id)


def _missing(message: str, kind: str, key: str, value: str) -> Refusal:
    return Refusal(
        404,
        message,
        "OBJECT_NOT_FOUND",
        {"context": {key: [value]}},
        {"X-HubSpot-NotFound": "true"},
        last={"subCategory": kind},
    )


def _create(call: Call) -> RecordList:
    body = parse_json(call.request.content)
    if not isinstance(body, dict):
        raise _required(call, ["name", "objectTypeId", "processingType"])
    names = ("name", "objectTypeId", "processingType")
    missing = [name for name in names if body.get(name) is None]
    if missing:
        raise _required(call, missing)
    type_id, processing = str(body["objectTypeId"]), body["processingType"]
    shelf = call.store.shelf(type_id)
    if shelf is None or shelf.type.id != type_id:
        raise Refusal(
            400,
            f"The objectTypeId {type_id} provided for the list is not valid for this "
            "portal.",
            VALIDATION_ERROR,
            last={"subCategory": "ListError.INVALID_OBJECT_TYPE_FOR_LIST"},
        )
    if processing not in _PROCESSING:
        raise _invalid(f"{processing} is not a processing type")
    name = as_string(body["name"])
    _check_name(call, type_id, name)
    filters = body.get("filterBranch")
    if not isinstance(filters, dict | None):
        raise _invalid("filterBranch must be an object")
    return call.store.lists.add(name, type_id, processing, filters=filters)


def _check_name(call: Call, type_id: str, name: str) -> None:
    # Lists guide: names are unique. HubSpot's answer is unknown.
    if call.store.lists.named(type_id, name) is not None:
        raise _invalid(f"A list with the name {name} exists already")


def _required(call: Call, names: Iterable[str]) -> Refusal:
    # Recorded in 2026: the column is that of the end of the body.
    column = len(call.request.content)
    message = f"Some required fields were not set: [{', '.join(names)}]"
    return Refusal(
        400,
        f"Invalid input JSON on line 1, column {column}. {message}",
        VALIDATION_ERROR,
    )


def _invalid(message: str) -> Refusal:
    # HubSpot's texts are unknown.
    return Refusal(400, message, VALIDATION_ERROR)


def _integer(body: Mapping[str, Any], name: str, default: int, allowed: range) -> int:
    value = body.get(name)
    if value is None:
        return default
    if type(value) is not int or value not in allowed:
        raise _invalid(f"Invalid input: {name} was {value}")
    return value


def _matches(each: RecordList, body: Mapping[str, Any]) -> bool:
    # That `query` is a part of the name in any case is assumed.
    query = as_string(body.get("query") or "").lower()
    types, ids = body.get("processingTypes") or [], body.get("listIds") or []
    return (
        each.deleted_on is None
        and query in each.name.lower()
        and body.get("objectTypeId") in (None, each.type_id)
        and (not types or each.processing in types)
        and (not ids or each.id in map(str, ids))
    )


def _searched(call: Call, each: RecordList) -> dict[str, Any]:
    more = {
        "hs_list_reference_count": "0",
        "hs_last_record_added_at": each.last_added,
        "hs_last_record_removed_at": each.last_removed,
        "hs_list_size": len(live_members(call, each)),
    }
    # Recorded in 2026: these come unasked, as strings, and unset ones are absent.
    values = {name: str(value) for name, value in more.items() if value is not None}
    return {**_head(each), "additionalProperties": values}


def live_members(call: Call, of: RecordList) -> dict[str, int]:
    """Return the records on a list that are not archived, with dates."""
    shelf = call.store.shelf(of.type_id)
    return {
        record_id: added
        for record_id, added in of.members.items()
        if shelf is not None and shelf.live(record_id) is not None
    }


def _fetched(call: Call, of: RecordList) -> dict[str, Any]:
    return _json(of, with_filters=flag(call.request.query, "includeFilters"))


def _head(of: RecordList) -> dict[str, Any]:
    deleted = {} if of.deleted_on is None else {"deletedAt": iso(of.deleted_on)}
    # Recorded in 2026: a dynamic list is PROCESSING at first. The simulator never
    # evaluates its filters, so it stays so, without records.
    status = "PROCESSING" if of.processing == "DYNAMIC" else "COMPLETE"
    return {
        "listId": of.id,
        "listVersion": 1,
        "createdAt": iso(of.created),
        "updatedAt": iso(of.updated),
        "filtersUpdatedAt": iso(of.filters_updated),
        **deleted,
        "processingStatus": status,
        "createdById": str(USER_ID),
        "updatedById": str(USER_ID),
        "processingType": of.processing,
        "objectTypeId": of.type_id,
        "name": of.name,
    }


def _json(of: RecordList, *, with_filters: bool) -> dict[str, Any]:
    body = _head(of)
    if with_filters and of.filters is not None:
        body["filterBranch"] = _branch(of.filters)
    return {
        **body,
        "listPermissions": {"teamsWithEditAccess": [], "usersWithEditAccess": []},
        "membershipSettings": {"membershipTeamId": None, "includeUnassigned": None},
    }


def _branch(value: Any) -> Any:
    """Return a filter branch with the keys that HubSpot adds, as recorded in 2026."""
    if isinstance(value, list):
        return [_branch(item) for item in value]
    if not isinstance(value, dict):
        return value
    more: dict[str, Any] = {}
    if "filterBranchType" in value:
        more["filterBranchOperator"] = value["filterBranchType"]
    if "operationType" in value:
        more["includeObjectsWithNoValueSet"] = False
    return {**more, **{name: _branch(item) for name, item in value.items()}}

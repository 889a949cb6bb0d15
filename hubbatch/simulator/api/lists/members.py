"""The records on a list: add, remove, read in pages."""

import base64

from bisect import bisect_left
from collections.abc import Callable, Collection, Iterable
from typing import Any, Final
from urllib.parse import quote

import msgspec

from hubbatch.simulator.api.bodies import cannot_deserialize, parse_json
from hubbatch.simulator.api.call import Call, Result
from hubbatch.simulator.api.lists.lists import known_list, live_members
from hubbatch.simulator.api.missing import not_implemented
from hubbatch.simulator.api.parameters import next_page, number
from hubbatch.simulator.api.refusals import invalid, whole_number
from hubbatch.simulator.crm.accounts import check_scopes
from hubbatch.simulator.crm.links import missing_fields
from hubbatch.simulator.crm.lists import RecordList
from hubbatch.simulator.crm.records import as_string
from hubbatch.simulator.wire import VALIDATION_ERROR, Answer, Refusal, as_json, iso


_DEFAULT_LIMIT: Final = 100
_MAX_LIMIT: Final = 250
# Lists guide: of a list whose members are all added to another, or all removed.
_MAX_MEMBERS: Final = 100_000
_CURSOR_BYTES: Final = 8
# What the records of a page are sorted by; a cursor is that of the next record.
Order = tuple[int, ...]


def answer_change(call: Call) -> Result:
    """Add records to a list, remove some, or both."""
    body = parse_json(call.request.content)
    add: list[str] = []
    remove: list[str] = []
    match call.route.verb:
        case "add":
            add = _ids(body)
        case "remove":
            remove = _ids(body)
        case _:
            names = ("recordIdsToAdd", "recordIdsToRemove")
            if not isinstance(body, dict):
                raise missing_fields([*names])
            missing = [name for name in names if body.get(name) is None]
            if missing:
                raise missing_fields(missing)
            add, remove = (_ids(body[name]) for name in names)
    # Recorded in 2026: the body is refused before the list is looked at.
    of = _changeable(call)
    known, missing_ids = _known(call, of, [*add, *remove])
    lists = call.store.lists
    # Recorded in 2026: the keys are spelled differently, and empty ones are absent.
    changed = {
        "recordsIdsAdded": lists.put(of, [each for each in add if each in known]),
        "recordIdsRemoved": lists.take(of, [each for each in remove if each in known]),
        "recordIdsMissing": missing_ids,
    }
    for ids in changed.values():
        call.shuffle(ids)
    body = {name: ids for name, ids in changed.items() if ids}
    return as_json(200, body), len(add) + len(remove)


def answer_add_from(call: Call) -> Result:
    """Add all records of another list."""
    of = _changeable(call)
    source = call.store.lists.by_id.get(call.route.part or "")
    if source is None or source.deleted_on is not None or source.type_id != of.type_id:
        raise _invalid(f"List {call.route.part} cannot be added to list {of.id}")
    members = live_members(call, source)
    _check_size(members)
    call.store.lists.put(of, [*members])
    return Answer(204), len(members)


def answer(call: Call) -> Result:
    """Answer with one page of the records on a list, or remove all of them."""
    if call.request.method == "DELETE":
        of = _changeable(call)
        _check_size(of.members)
        call.store.lists.take(of, [*of.members])
        return Answer(204), 0
    return _page(call, lambda record_id, _: (int(record_id),))


def answer_join_order(call: Call) -> Result:
    """Answer with one page of the records on a list, the first added first."""
    return _page(call, lambda record_id, added: (added, int(record_id)))


def answer_of_record(call: Call) -> Result:
    """Answer with the lists of one record."""
    shelf, record_id = call.shelf, call.route.name or ""
    found = call.store.lists.of(shelf.type.id, record_id)
    results = [membership_json(list_id, at) for list_id, at in found.items()]
    return as_json(200, {"total": len(results), "results": results}), len(results)


def membership_json(list_id: str, added: int) -> dict[str, Any]:
    """Return a list of a record, with the date the record was added."""
    return {
        "listId": list_id,
        "listVersion": 1,
        "firstAddedTimestamp": iso(added),
        "lastAddedTimestamp": iso(added),
    }


def _page(call: Call, order: Callable[[str, int], Order]) -> Result:
    """Answer with a page.

    Recorded in 2026: `after` is the id of the next record, in base64 that is already
    encoded for a URL.
    """
    of, query = known_list(call), call.request.query
    if query.get("before"):
        # How HubSpot pages backwards is unknown; to ignore it would repeat records.
        return not_implemented("'before' of list memberships"), 0
    limit = number(query, "limit", _DEFAULT_LIMIT, _MAX_LIMIT)
    members = live_members(call, of)
    ordered = sorted((order(*member), member[0]) for member in members.items())
    after = query.get("after")
    start = bisect_left(ordered, (_decoded(after), "")) if after else 0
    page = ordered[start : start + limit]
    body: dict[str, Any] = {
        "total": len(ordered),
        "results": [
            {"recordId": record_id, "membershipTimestamp": iso(members[record_id])}
            for _, record_id in page
        ],
    }
    if start + limit < len(ordered):
        cursor = _encoded(ordered[start + limit][0])
        body["paging"] = next_page(call.request, cursor)
    return as_json(200, body), len(page)


def _encoded(order: Order) -> str:
    raw = b"".join(each.to_bytes(_CURSOR_BYTES, "big") for each in order)
    return quote(base64.b64encode(raw).decode(), safe="")


def _decoded(after: str) -> Order:
    try:
        raw = base64.b64decode(after, validate=True)
    except ValueError:
        raise invalid("after", after) from None
    parts = range(0, len(raw), _CURSOR_BYTES)
    return tuple(int.from_bytes(raw[n : n + _CURSOR_BYTES], "big") for n in parts)


def _changeable(call: Call) -> RecordList:
    """Return the list in the path, whose records calls may change."""
    of = known_list(call)
    shelf = call.store.shelf(of.type_id)
    if shelf is not None:
        # Reported for lists of contacts: changing them needs their scope to write too.
        check_scopes(call.token, shelf.type.scopes[1])
    if of.processing == "DYNAMIC":
        # Documented; the message is unknown.
        raise _invalid(f"The records of list {of.id} follow from its filters")
    return of


def _check_size(members: Collection[str]) -> None:
    if len(members) > _MAX_MEMBERS:
        raise _invalid(f"The list has more than {_MAX_MEMBERS} records")


def _ids(body: object) -> list[str]:
    """Return the record ids in a JSON list: strings, or numbers as recorded in 2026."""
    if not isinstance(body, list):
        raise cannot_deserialize(1, "java.util.ArrayList", body)
    column = 2
    for item in body:
        if isinstance(item, dict | list | None):
            raise cannot_deserialize(column, "java.lang.String", item)
        column += len(msgspec.json.encode(item)) + 1
    ids = [as_string(item) for item in body]
    for each in ids:
        whole_number("recordId", each)
    return ids


def _known(
    call: Call, of: RecordList, record_ids: Iterable[str]
) -> tuple[set[str], list[str]]:
    """Return the ids of records that exist, and the others in order."""
    shelf = call.store.shelf(of.type_id)
    wanted = dict.fromkeys(record_ids)
    known = {each for each in wanted if shelf is not None and shelf.live(each)}
    return known, [each for each in wanted if each not in known]


def _invalid(message: str) -> Refusal:
    # HubSpot's texts are unknown.
    return Refusal(400, message, VALIDATION_ERROR)

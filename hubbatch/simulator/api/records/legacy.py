"""The v1 batches: bare lists and maps, numeric ids, all inputs or none."""

from collections.abc import Mapping
from typing import Any

from hubbatch.simulator.api import bodies, refusals
from hubbatch.simulator.api.call import Call, Result
from hubbatch.simulator.crm.property_types import Problem
from hubbatch.simulator.crm.records import Record, Shelf
from hubbatch.simulator.crm.store import Store
from hubbatch.simulator.wire import VALIDATION_ERROR, Answer, Refusal, as_json


def answer(call: Call) -> Result:
    """Answer a v1 batch."""
    verb, store, shelf = call.route.verb, call.store, call.shelf
    content = call.request.content
    if verb == "delete":
        batch_delete(store, shelf, content)
        return Answer(204), 0
    if verb == "read":
        found = batch_read(store, shelf, content, call.request.query)
        return as_json(200, found), len(found)
    run = batch_create if verb == "create" else batch_update
    shown = run(store, shelf, content, call.now.ms)
    if verb == "create":
        call.shuffle(shown)
    return as_json(200, shown), len(shown)


def batch_update(
    store: Store, shelf: Shelf, content: bytes, now: int
) -> list[dict[str, Any]]:
    """Process a list of changes, each `{objectId, properties: [{name, value}]}`."""
    changes = _parse_changes(content)
    refusals.check_count(len(changes))
    ids = [record_id for record_id, _ in changes]
    refusals.check_duplicates([("objectId", record_id) for record_id in ids], ids)
    found: list[tuple[Record, dict[str, str]]] = []
    problems: list[Problem] = []
    for record_id, properties in changes:
        written, invalid = refusals.check_values(shelf, properties)
        problems += invalid
        record = shelf.live(record_id)
        if record is None:
            raise Refusal(404, "resource not found")
        found.append((record, written))
    _check_values(problems)
    claimed: dict[tuple[str, str], str] = {}
    for record, written in found:
        _check_conflict(store, shelf, record.id, written, claimed)
    for record, written in found:
        shelf.write(record, written, now)
    return [_record_json(store, shelf, record, written) for record, written in found]


def batch_create(
    store: Store, shelf: Shelf, content: bytes, now: int
) -> list[dict[str, Any]]:
    """Create a record from each list of `{name, value}` pairs."""
    body = bodies.parse_json(content)
    if not isinstance(body, list):
        raise _unreadable(body)
    refusals.check_count(len(body))
    created: list[tuple[str, dict[str, str]]] = []
    problems: list[Problem] = []
    for pairs in body:
        if not isinstance(pairs, list):
            raise _unreadable(pairs)
        written, invalid = refusals.check_values(shelf, _properties(pairs))
        problems += invalid
        created.append((store.new_id(), written))
    _check_values(problems)
    claimed: dict[tuple[str, str], str] = {}
    for record_id, written in created:
        _check_conflict(store, shelf, record_id, written, claimed)
    return [
        _record_json(store, shelf, store.add(shelf, record_id, written, now), written)
        for record_id, written in created
    ]


def batch_read(
    store: Store, shelf: Shelf, content: bytes, query: Mapping[str, str]
) -> dict[str, Any]:
    """Return records by id, omitting unknown and (by default) archived ones."""
    with_deleted = query.get("includeDeletes", "").lower() == "true"
    # The parameter is repeated; v1 does not split names at commas.
    names = [name for name in query.get("properties", "").split("&") if name]
    found = {}
    for record_id in _ids(content):
        record = shelf.records.get(record_id)
        if record is None or (record.archived and not with_deleted):
            continue
        wanted = {name: "" for name in names if name in record.properties}
        found[record_id] = {
            **_record_json(store, shelf, record, wanted),
            "isDeleted": record.archived,
        }
    return found


def batch_delete(store: Store, shelf: Shelf, content: bytes) -> None:
    """Archive records; unknown ids are ignored."""
    for record_id in _ids(content):
        store.archive(shelf.type.id, record_id)


def _ids(content: bytes) -> list[str]:
    body = bodies.parse_json(content)
    ids = body.get("ids") if isinstance(body, dict) else None
    if not isinstance(ids, list):
        raise _unreadable(body)
    for record_id in ids:
        if not isinstance(record_id, int) or isinstance(record_id, bool):
            raise _unreadable(record_id)
    refusals.check_count(len(ids))
    return [str(record_id) for record_id in ids]


def _check_values(problems: list[Problem]) -> None:
    if problems:
        results = {"validationResults": [problem.embedded() for problem in problems]}
        raise Refusal(400, "Property values were not valid", first=results)


def _check_conflict(
    store: Store,
    shelf: Shelf,
    record_id: str,
    written: dict[str, str],
    claimed: dict[tuple[str, str], str],
) -> None:
    conflict = shelf.find_conflict(record_id, written, claimed)
    if conflict is not None:
        name, owner = conflict
        message = refusals.taken_value_message(
            shelf, store.portal_id, name, written[name], record_id, owner
        )
        raise Refusal(400, message, VALIDATION_ERROR)


def _parse_changes(content: bytes) -> list[tuple[str, dict[str, object]]]:
    body = bodies.parse_json(content)
    if not isinstance(body, list):
        raise _unreadable(body)
    return [_change(item) for item in body]


def _change(item: object) -> tuple[str, dict[str, object]]:
    match item:
        case {"objectId": int() | str() as record_id, "properties": list(pairs)}:
            pass
        case _:
            raise _unreadable(item)
    return str(record_id), _properties(pairs)


def _properties(pairs: list[object]) -> dict[str, object]:
    properties: dict[str, object] = {}
    for pair in pairs:
        match pair:
            case {"name": str(name), "value": str() | int() | float() | None as value}:
                properties[name] = value
            case _:
                raise _unreadable(pair)
    return properties


def _unreadable(value: object) -> Refusal:
    kind = type(value).__name__
    message = f"Invalid input JSON on line 1, column 1: Cannot deserialize from {kind}"
    return Refusal(400, message)


def _record_json(
    store: Store, shelf: Shelf, record: Record, written: dict[str, str]
) -> dict[str, Any]:
    return {
        "objectType": shelf.type.legacy_name,
        "portalId": store.portal_id,
        "objectId": int(record.id),
        "properties": {
            **{name: _value_json(record, name) for name in sorted(written)},
            # The documentation shows this value and this timestamp.
            "hs_lastmodifieddate": {
                "versions": [],
                "value": "0",
                "timestamp": 0,
                "source": "CALCULATED",
                "sourceId": None,
            },
        },
        "isDeleted": False,
    }


def _value_json(record: Record, name: str) -> dict[str, Any]:
    history = record.history(name)
    at, value = history[0] if history else (record.updated, "")
    versions = [
        {
            "name": name,
            "value": old,
            "timestamp": when,
            "source": "API",
            "sourceVid": [],
        }
        for when, old in history[:1]
    ]
    return {
        "versions": versions,
        "value": value,
        "timestamp": at,
        "source": "API",
        "sourceId": None,
    }

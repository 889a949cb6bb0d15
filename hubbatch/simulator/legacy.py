"""The v1 batch-update: a bare list in, a bare list out, everything or nothing."""

from typing import Any, Final

from hubbatch.simulator import bodies, rules
from hubbatch.simulator.schemas import Problem
from hubbatch.simulator.shelves import Record, Shelf
from hubbatch.simulator.wire import Refusal
from hubbatch.simulator.world import Store


OBJECT_TYPES: Final = ("tickets", "products", "line_items")


def batch_update(
    store: Store, shelf: Shelf, content: bytes, now: int
) -> list[dict[str, Any]]:
    """Write a list of changes, each `{objectId, properties: [{name, value}]}`."""
    changes = _parsed(content)
    rules.check_count(len(changes))
    ids = [record_id for record_id, _ in changes]
    rules.check_duplicates([("objectId", record_id) for record_id in ids], ids)
    found: list[tuple[Record, dict[str, str]]] = []
    problems: list[Problem] = []
    for record_id, properties in changes:
        written, wrong = rules.accepted(shelf, properties)
        problems += wrong
        record = shelf.live(record_id)
        if record is None:
            raise Refusal(404, "resource not found")
        found.append((record, written))
    if problems:
        results = {"validationResults": [problem.embedded() for problem in problems]}
        raise Refusal(400, "Property values were not valid", first=results)
    _check_taken(store, shelf, found)
    for record, written in found:
        shelf.write(record, written, now)
    return [_shown(store, shelf, record, written) for record, written in found]


def _check_taken(
    store: Store, shelf: Shelf, found: list[tuple[Record, dict[str, str]]]
) -> None:
    claimed: dict[tuple[str, str], str] = {}
    for record, written in found:
        taken = shelf.taken(record.id, written, claimed)
        if taken is not None:
            name, owner = taken
            value, portal_id = written[name], store.portal_id
            message = rules.taken_value(shelf, portal_id, name, value, record.id, owner)
            raise Refusal(400, message, rules.VALIDATION_ERROR)


def _parsed(content: bytes) -> list[tuple[str, dict[str, object]]]:
    body = bodies.deserialized(content)
    if not isinstance(body, list):
        raise _unreadable(body)
    return [_change(item) for item in body]


def _change(item: object) -> tuple[str, dict[str, object]]:
    match item:
        case {"objectId": int() | str() as record_id, "properties": list(pairs)}:
            pass
        case _:
            raise _unreadable(item)
    properties: dict[str, object] = {}
    for pair in pairs:
        match pair:
            case {"name": str(name), "value": str() | int() | float() | None as value}:
                properties[name] = value
            case _:
                raise _unreadable(pair)
    return str(record_id), properties


def _unreadable(value: object) -> Refusal:
    kind = type(value).__name__
    message = f"Invalid input JSON on line 1, column 1: Cannot deserialize from {kind}"
    return Refusal(400, message)


def _shown(
    store: Store, shelf: Shelf, record: Record, written: dict[str, str]
) -> dict[str, Any]:
    return {
        "objectType": shelf.type.legacy,
        "portalId": store.portal_id,
        "objectId": int(record.id),
        "properties": {
            **{name: _valued(record, name) for name in sorted(written)},
            # Shown in the documentation with this value and this timestamp.
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


def _valued(record: Record, name: str) -> dict[str, Any]:
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

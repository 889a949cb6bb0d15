"""The list of all records of a type, in pages."""

from collections.abc import Mapping
from typing import Any, Final

from hubbatch.simulator.api.call import Call, Result
from hubbatch.simulator.api.records.batches import RECORD_ID
from hubbatch.simulator.crm.records import Record, Shelf
from hubbatch.simulator.crm.store import Store
from hubbatch.simulator.wire import VALIDATION_ERROR, Refusal, as_json, iso


# "limit": "The maximum number of results to display per page", 10 by default.
# Integrations report that HubSpot refuses more than 100.
_DEFAULT_LIMIT: Final = 10
_MAX_LIMIT: Final = 100


def answer(call: Call) -> Result:
    """Answer with one page of records."""
    request = call.request
    body = list_records(call.store, call.shelf, request.path, request.query)
    return as_json(200, body), len(body["results"])


def list_records(
    store: Store, shelf: Shelf, path: str, query: Mapping[str, str]
) -> dict[str, Any]:
    """Return the requested page of records, in the order of their ids.

    Raises:
        Refusal: If `limit` or `after` is invalid.
    """
    archived = query.get("archived", "").lower() == "true"
    limit = _limit(query.get("limit", str(_DEFAULT_LIMIT)))
    after = _number("after", query.get("after", "0"))
    names = _names(shelf, query.get("properties", ""))
    found = sorted(
        (each for each in shelf.records.values() if each.archived == archived),
        key=lambda record: int(record.id),
    )
    rest = [record for record in found if int(record.id) >= after]
    page: dict[str, Any] = {
        "results": [_record_json(store, shelf, each, names) for each in rest[:limit]]
    }
    if len(rest) > limit:
        cursor = rest[limit].id
        link = f"https://api.hubapi.com{path}?limit={limit}&after={cursor}"
        page["paging"] = {"next": {"after": cursor, "link": link}}
    return page


def _limit(value: str) -> int:
    limit = _number("limit", value)
    if not 0 < limit <= _MAX_LIMIT:
        message = (
            f"Invalid input: limit must be between 1 and {_MAX_LIMIT}, was {limit}"
        )
        raise Refusal(400, message, VALIDATION_ERROR)
    return limit


def _number(name: str, value: str) -> int:
    if not (value.isascii() and value.isdecimal()):
        raise Refusal(400, f"Invalid input: {name} was {value}", VALIDATION_ERROR)
    return int(value)


def _names(shelf: Shelf, value: str) -> list[str]:
    # Separated by commas, or a repeated parameter; unknown names are ignored.
    names = value.replace("&", ",").split(",") if value else shelf.type.read_by_default
    always = (RECORD_ID, shelf.type.created, shelf.type.modified)
    return sorted({*names, *always} & shelf.type.properties.keys())


def _record_json(
    store: Store, shelf: Shelf, record: Record, names: list[str]
) -> dict[str, Any]:
    body: dict[str, Any] = {
        "id": record.id,
        "properties": {name: record.properties.get(name) for name in names},
        "createdAt": iso(record.created),
        "updatedAt": iso(record.updated),
        "archived": record.archived,
        "url": (
            f"https://app.hubspot.com/contacts/{store.portal_id}"
            f"/record/{shelf.type.id}/{record.id}"
        ),
    }
    if record.archived_on is not None:
        body["archivedAt"] = iso(record.archived_on)
    return body

"""All the records of a type, a page at a time."""

from collections.abc import Mapping
from typing import Any, Final

from hubbatch.simulator.batches import ALWAYS
from hubbatch.simulator.rules import VALIDATION_ERROR
from hubbatch.simulator.shelves import Record, Shelf
from hubbatch.simulator.wire import Refusal, iso
from hubbatch.simulator.world import Store


# "limit": "The maximum number of results to display per page", 10 by default; more
# than 100 are refused, as integrations have found.
_USUAL: Final = 10
_MOST: Final = 100


def listed(
    store: Store, shelf: Shelf, path: str, query: Mapping[str, str]
) -> dict[str, Any]:
    """Return the page that a query asks for; records are in the order of their ids."""
    archived = query.get("archived", "").lower() == "true"
    limit = _limit(query.get("limit", str(_USUAL)))
    after = _number("after", query.get("after", "0"))
    names = _names(shelf, query.get("properties", ""))
    found = sorted(
        (one for one in shelf.records.values() if one.archived == archived),
        key=lambda one: int(one.id),
    )
    left = [one for one in found if int(one.id) >= after]
    page: dict[str, Any] = {
        "results": [_shown(store, shelf, one, names) for one in left[:limit]]
    }
    if len(left) > limit:
        cursor = left[limit].id
        link = f"https://api.hubapi.com{path}?limit={limit}&after={cursor}"
        page["paging"] = {"next": {"after": cursor, "link": link}}
    return page


def _limit(text: str) -> int:
    limit = _number("limit", text)
    if not 0 < limit <= _MOST:
        message = f"Invalid input: limit must be between 1 and {_MOST}, was {limit}"
        raise Refusal(400, message, VALIDATION_ERROR)
    return limit


def _number(name: str, text: str) -> int:
    if not (text.isascii() and text.isdecimal()):
        raise Refusal(400, f"Invalid input: {name} was {text}", VALIDATION_ERROR)
    return int(text)


def _names(shelf: Shelf, asked: str) -> list[str]:
    # One text with commas, or the parameter repeated; unknown names are left out.
    given = asked.replace("&", ",").split(",") if asked else shelf.type.read_by_default
    always = (ALWAYS, shelf.type.created, shelf.type.modified)
    return sorted({*given, *always} & shelf.type.properties.keys())


def _shown(
    store: Store, shelf: Shelf, record: Record, names: list[str]
) -> dict[str, Any]:
    shown: dict[str, Any] = {
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
        shown["archivedAt"] = iso(record.archived_on)
    return shown

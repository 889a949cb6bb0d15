"""The search of the records of a type."""

from collections.abc import Mapping
from typing import Any, Final

from hubbatch.simulator.api.call import Call, Result
from hubbatch.simulator.api.records.search_request import SearchRequest, parse_search
from hubbatch.simulator.api.records.shown import names_of, record_json
from hubbatch.simulator.crm.records import Shelf
from hubbatch.simulator.crm.search.filters import (
    CREATION,
    conditions,
    order_column,
    query_conditions,
)
from hubbatch.simulator.crm.search.index import Query
from hubbatch.simulator.crm.search.visible import refreshed_index
from hubbatch.simulator.crm.store import Store
from hubbatch.simulator.wire import as_json


# Search guide, 2026: types that a batch read shows without properties of their own.
_DEFAULTS: Final[Mapping[str, tuple[str, ...]]] = {
    "quotes": ("hs_expiration_date", "hs_public_url_key", "hs_status", "hs_title"),
}


def answer(call: Call) -> Result:
    """Answer with one page of the records found."""
    cutoff = call.now.ms - round(call.quirks.search_lag * 1000)
    body = search_records(call.store, call.shelf, call.request.content, cutoff)
    return as_json(200, body), len(body["results"])


def search_records(
    store: Store, shelf: Shelf, content: bytes, cutoff: int
) -> dict[str, Any]:
    """Return the requested page of the records that a search finds.

    Args:
        store: The records, with their associations.
        shelf: The records of the searched type.
        content: The body of the request.
        cutoff: The date until which search has seen the writes.

    Raises:
        Refusal: If the request is invalid.
    """
    request = parse_search(content)
    query = _query(store, shelf, request)
    index = refreshed_index(store, shelf, cutoff)
    total, records = index.find(query, request.offset, request.limit)
    requested = request.properties or _DEFAULTS.get(shelf.type.plural, ())
    names = names_of(shelf, requested, ())
    body: dict[str, Any] = {
        "total": total,
        "results": [
            record_json(
                store, shelf, each, {name: each.properties.get(name) for name in names}
            )
            for each in records
        ],
    }
    end = request.offset + request.limit
    if end < total:
        # Recorded: an offset, and no link.
        body["paging"] = {"next": {"after": str(end)}}
    return body


def _query(store: Store, shelf: Shelf, request: SearchRequest) -> Query:
    words = query_conditions(shelf, request.query)
    groups = tuple(
        (*words, *(each for item in group for each in conditions(store, shelf, item)))
        for group in request.groups or ((),)
    )
    order = CREATION if request.sort is None else order_column(shelf, request.sort)
    return Query(groups, order, request.descending)

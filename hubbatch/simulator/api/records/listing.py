"""The list of all records of a type, in pages."""

from bisect import bisect_left
from itertools import islice
from typing import Any, Final
from urllib.parse import urlencode

from hubbatch.simulator.api.call import Call, Result
from hubbatch.simulator.api.parameters import flag, listed
from hubbatch.simulator.api.records.parameters import view_of
from hubbatch.simulator.api.refusals import whole_number
from hubbatch.simulator.wire import VALIDATION_ERROR, Refusal, as_json


# "limit": "The maximum number of results to display per page", 10 by default.
# Integrations report that HubSpot refuses more than 100, and more than 50 with history.
_DEFAULT_LIMIT: Final = 10
_MAX_LIMIT: Final = 100
_MAX_WITH_HISTORY: Final = 50


def answer(call: Call) -> Result:
    """Answer with one page of records, in the order of their ids.

    Raises:
        Refusal: If a parameter is invalid.
    """
    query, shelf = call.request.query, call.shelf
    archived = flag(query, "archived")
    if archived and shelf.type.plural == "meetings":
        # Reported by two connectors.
        message = "Paging through deleted objects is not yet supported"
        raise Refusal(400, message, VALIDATION_ERROR)
    view = view_of(call)
    with_history = bool(listed(query, "propertiesWithHistory"))
    limit = _limit(query.get("limit", str(_DEFAULT_LIMIT)), with_history=with_history)
    after = whole_number("after", query.get("after") or "0")
    ids = shelf.ordered()
    rest = (
        record
        for n in range(bisect_left(ids, after), len(ids))
        if (record := shelf.records[str(ids[n])]).archived == archived
    )
    found = list(islice(rest, limit + 1))
    page: dict[str, Any] = {"results": [view.show(each) for each in found[:limit]]}
    if len(found) > limit:
        # Recorded: the number after the last id, which need not be an id.
        cursor = str(int(found[limit - 1].id) + 1)
        link = f"{call.request.url}?{_query(call, cursor)}"
        page["paging"] = {"next": {"after": cursor, "link": link}}
    return as_json(200, page), len(page["results"])


def _query(call: Call, cursor: str) -> str:
    """Return the query of the request, for the next page."""
    pairs = [
        (name, part)
        for name, value in call.request.query.items()
        if name != "after"
        for part in value.split("&")
    ]
    return urlencode([*pairs, ("after", cursor)])


def _limit(value: str, *, with_history: bool) -> int:
    limit = whole_number("limit", value)
    most = _MAX_WITH_HISTORY if with_history else _MAX_LIMIT
    if not 0 < limit <= most:
        message = f"Invalid input: limit must be between 1 and {most}, was {limit}"
        raise Refusal(400, message, VALIDATION_ERROR)
    return limit

"""Numbers and flags in the query of a request."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from hubbatch.simulator.api.refusals import whole_number
from hubbatch.simulator.wire import (
    VALIDATION_ERROR,
    Answer,
    Refusal,
    Request,
    html_page,
)


def number(query: Mapping[str, str], name: str, default: int, highest: int) -> int:
    """Return a parameter that is a number from 1 to `highest`.

    Raises:
        Refusal: If it is not; HubSpot's text is unknown.
    """
    value = whole_number(name, query.get(name, str(default)))
    if not 1 <= value <= highest:
        message = f"Invalid input: {name} must be between 1 and {highest}, was {value}"
        raise Refusal(400, message, VALIDATION_ERROR)
    return value


def flag(query: Mapping[str, str], name: str, *, default: bool = False) -> bool:
    """Return a parameter that is "true" or, as anything else, false."""
    return query.get(name, str(default)).lower() == "true"


def listed(query: Mapping[str, str], name: str) -> list[str]:
    """Return the values of a parameter, separated by commas or repeated."""
    values = query.get(name, "").replace("&", ",").split(",")
    return [value.strip() for value in values if value.strip()]


def next_page(request: Request, after: str) -> dict[str, Any]:
    """Return where the next page is.

    Args:
        request: The request for this page, whose parameters the link repeats.
        after: The cursor, encoded for a URL.
    """
    query = {name: value for name, value in request.query.items() if name != "after"}
    parameters = "&".join(filter(None, [urlencode(query), f"after={after}"]))
    return {"next": {"after": after, "link": f"{request.url}?{parameters}"}}


def unknown() -> Answer:
    """Return the 404 for an unknown owner, pipeline or stage.

    HubSpot's body is unknown: the page for unknown records is strictest, because a
    client cannot parse it as JSON.
    """
    return html_page(404, "Not Found", "Resource not found")

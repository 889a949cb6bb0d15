"""Questions: calls without inputs, whose whole answer is one result."""

from collections.abc import Callable
from typing import Any

from attrs import frozen

from hubbatch._wire.calls import Codec, Encoded, Operation, Query, ResultShape
from hubbatch._wire.inputs import for_any_operation
from hubbatch._wire.record_columns import structure_all_objects
from hubbatch._wire.records import every, structure_account
from hubbatch.models import BatchResponse, SimplePublicObject


# "limit" of the list endpoints: 10 by default (specification). HubSpot refuses more
# than 100, as integrations have found.
PAGE_SIZE = 100


@frozen
class Page:
    """One page of the records of a type; `after` is the next page's cursor or None."""

    records: list[SimplePublicObject]
    after: str | None


def page_query(properties: tuple[str, ...], after: str | None) -> Query:
    """Return the parameters of the URL of a page; `after` is None for the first."""
    parameters = {"limit": str(PAGE_SIZE)}
    if properties:
        parameters["properties"] = ",".join(properties)
    if after is not None:
        parameters["after"] = after
    return parameters


def _encode_nothing(_index: int, _value: object) -> Encoded:
    return None, b"", None


def _no_body(_operation: Operation, _joined: bytes) -> bytes:
    return b""


def whole(raw: Any, structure: Callable[[Any], Any]) -> BatchResponse[Any]:
    """Return a response whose one result is the whole answer."""
    return BatchResponse(results=structure([raw]))


def no_key(_: Any) -> None:
    """Return no key: a question has one result, which needs none."""
    return


def next_after(raw: Any) -> str | None:
    """Return the cursor of the next page from an object with `paging`."""
    after = ((raw.get("paging") or {}).get("next") or {}).get("after")
    return None if after is None else str(after)


def _page(raw: Any) -> Page:
    return Page(structure_all_objects(raw["results"]), next_after(raw))


def document(structure: Callable[[Any], Any]) -> Codec:
    """Return the codec of a question, whose answer `structure` reads."""
    results = ResultShape(every(structure), no_key)
    return Codec(for_any_operation(_encode_nothing), _no_body, whole, results)


ACCOUNT = document(structure_account)
PAGE = document(_page)

"""Documents: answers to calls without inputs, each of which is a single result."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from hubbatch._classes import frozen
from hubbatch._wire.calls import Codec, Encoded, Operation, Query, ResultShape
from hubbatch._wire.inputs import for_any_operation
from hubbatch._wire.record_decoder import structure_all_objects
from hubbatch._wire.records import converter, every, structure_account
from hubbatch.models import BatchResponse, SimplePublicObject


# "limit" of the list endpoints: 10 by default (specification). Integrations have found
# that HubSpot refuses more than 100.
PAGE_SIZE = 100


@frozen
class Page:
    """One page of the records of a type; `after` is the next page's cursor or None."""

    records: list[SimplePublicObject]
    after: str | None


@frozen
class Items:
    """One page of a list of any class; `after` is the next page's cursor or None."""

    items: list[Any]
    after: str | None


def page_query(properties: tuple[str, ...], after: str | None) -> Query:
    """Return the query parameters of a page; `after` is None for the first one."""
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
    """Return no key: a call without inputs has one result, which needs none."""
    return


def next_after(raw: Any) -> str | None:
    """Return the cursor of the next page from an object with `paging`."""
    after = ((raw.get("paging") or {}).get("next") or {}).get("after")
    return None if after is None else str(after)


def items_of(cls: type) -> Callable[[Any], Items]:
    """Return a reader of pages whose results are of a registered class."""
    return partial(_items, cls)


def _items(cls: type, raw: Any) -> Items:
    items: list[Any] = [converter.structure(item, cls) for item in raw["results"]]
    return Items(items, next_after(raw))


def strings_of(raw: Mapping[str, Any] | None, _: object) -> dict[str, str]:
    """Return a JSON object of strings; a hook for a field of a registered class."""
    return {name: str(value) for name, value in (raw or {}).items()}


def _page(raw: Any) -> Page:
    return Page(structure_all_objects(raw["results"]), next_after(raw))


def document(
    structure: Callable[[Any], Any],
    body: Callable[[Operation, bytes], bytes] = _no_body,
) -> Codec:
    """Return the codec of a call without inputs, whose answer `structure` reads."""
    results = ResultShape(every(structure), no_key)
    return Codec(for_any_operation(_encode_nothing), body, whole, results)


ACCOUNT = document(structure_account)
PAGE = document(_page)

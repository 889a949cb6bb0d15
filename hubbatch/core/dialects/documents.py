"""Calls without records of their own: one question, one JSON object."""

from collections.abc import Callable
from typing import Any

from attrs import frozen

from hubbatch.core.calls import Dialect, Encoded, Encoder, Operation, Shape
from hubbatch.core.codec import every, structure_account
from hubbatch.core.results import structure_all_objects
from hubbatch.models import BatchResponse, SimplePublicObject


@frozen
class Page:
    """One page of the records of a type, and the cursor of the next if there is one."""

    records: list[SimplePublicObject]
    after: str | None


def _encoder(_: Operation) -> Encoder:
    return _encode


def _encode(_index: int, _given: object) -> Encoded:
    return None, b"", None


def _no_body(_operation: Operation, _joined: bytes) -> bytes:
    return b""


def whole(raw: Any, structure: Callable[[Any], Any]) -> BatchResponse[Any]:
    """Take the whole of an answer for its one result."""
    return BatchResponse(results=structure([raw]))


def no_key(_: Any) -> None:
    """Name no input: there is only one."""
    return


def next_after(raw: Any) -> str | None:
    """Read the cursor of the next page out of what has pages."""
    after = ((raw.get("paging") or {}).get("next") or {}).get("after")
    return None if after is None else str(after)


def _page(raw: Any) -> Page:
    return Page(structure_all_objects(raw["results"]), next_after(raw))


def document(structure: Callable[[Any], Any]) -> Dialect:
    """Make the dialect of a question whose whole answer is its one result."""
    return Dialect(_encoder, _no_body, whole, Shape(every(structure), no_key))


ACCOUNT = document(structure_account)
PAGE = document(_page)

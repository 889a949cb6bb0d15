"""Search: the body is the request's options, and an answer is one page."""

from typing import Any

from msgspec.json import encode

from hubbatch._classes import frozen
from hubbatch._wire.calls import Operation
from hubbatch._wire.record_decoder import structure_all_objects
from hubbatch.models import SimplePublicObject

from .documents import document, next_after


# "limit" of the search: 10 by default, at most 200 (search guide).
PAGE_SIZE = 200
# The property that holds the id of a record, of any type.
ID = "hs_object_id"


@frozen
class Found:
    """One answer; `total` counts all matches, `after` is the next page's offset."""

    records: list[SimplePublicObject]
    total: int
    after: str | None


def _found(raw: Any) -> Found:
    return Found(
        structure_all_objects(raw["results"]), int(raw["total"]), next_after(raw)
    )


def _body(operation: Operation, _joined: bytes) -> bytes:
    return encode(dict(operation.options))


FOUND = document(_found, _body)

"""Reads the further pages of an answer.

HubSpot pages the result of a single input (the associations of one record, say). The
next page is requested with the same input and a cursor.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from attrs import evolve

from hubbatch._wire.bodies import Bodies
from hubbatch._wire.calls import Paging
from hubbatch.errors import RecordError

from .chunk import Chunk
from .chunk_state import Step


def turn_pages(
    paging: Paging, chunk: Chunk, results: list[Any], failed: dict[int, RecordError]
) -> dict[int, str]:
    """Return the positions of the inputs that have a next page, and its cursor.

    `results` and `failed` are changed in place: on an input's last page, its result
    becomes all pages joined; an input whose cursor does not change has failed.
    """
    unfinished = {}
    for position, result in enumerate(results):
        if result is None:
            continue
        before = chunk.pages.get(chunk.indices[position], [])
        after = paging.after(result)
        if after is None:
            if before:
                results[position] = paging.join([*before, result])
        elif before and paging.after(before[-1]) == after:
            failed[position] = RecordError(
                "HubSpot returned the same page cursor twice, so the answer has no end",
                category="PAGING",
                origin="hubbatch",
            )
        else:
            unfinished[position] = after
    return unfinished


def next_pages(
    paging: Paging, chunk: Chunk, results: Sequence[Any], unfinished: Mapping[int, str]
) -> Chunk:
    """Return the chunk that requests the next pages and keeps the pages so far."""
    following = chunk.pick([*unfinished]).after(Step.TURN_PAGE)
    pages = {
        chunk.indices[p]: [*chunk.pages.get(chunk.indices[p], ()), results[p]]
        for p in unfinished
    }
    bodies = [paging.ask(chunk.bodies[p], after) for p, after in unfinished.items()]
    return evolve(following, bodies=Bodies(bodies), pages=pages)

"""Answers that go on: the next page of an input is the input again, with a cursor."""

from collections.abc import Mapping, Sequence
from typing import Any

from attrs import evolve

from hubbatch.errors import RecordError

from .calls import Paging
from .chunk_state import Step
from .chunks import Chunk


def turn_pages(
    paging: Paging, chunk: Chunk, results: list[Any], failed: dict[int, RecordError]
) -> dict[int, str]:
    """Find the inputs whose answer goes on, and at which cursor.

    Where one ends its result becomes that of all pages; one that does not move on
    has failed.
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
                "HubSpot's answer goes on at the page that it is at",
                category="PAGING",
                origin="hubbatch",
            )
        else:
            unfinished[position] = after
    return unfinished


def next_pages(
    paging: Paging, chunk: Chunk, results: Sequence[Any], unfinished: Mapping[int, str]
) -> Chunk:
    """Return the chunk that asks for the next pages and holds the pages so far."""
    onward = chunk.pick([*unfinished]).after(Step.TURN_PAGE)
    pages = {
        chunk.indices[p]: [*chunk.pages.get(chunk.indices[p], ()), results[p]]
        for p in unfinished
    }
    bodies = [paging.ask(chunk.bodies[p], after) for p, after in unfinished.items()]
    return evolve(onward, bodies=bodies, pages=pages)

"""A CSV of any length goes in, and server-sent events tell how far it has got."""

import csv
import io
import time

from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator, Mapping
from typing import Annotated, Any

from attrs import asdict
from fastapi import APIRouter, Depends, HTTPException, UploadFile
from fastapi.sse import EventSourceResponse, ServerSentEvent

from hubbatch import HubBatchError, UpsertInput
from hubbatch.integrations.fastapi import describe

from .accounts import Hub
from .models import PropertyName


router = APIRouter()

Rows = Iterable[Mapping[str, str]]

UNREADABLE = (UnicodeDecodeError, csv.Error)

# Seconds between two events of progress.
EVERY = 0.5


async def rows(file: UploadFile, id_property: PropertyName) -> AsyncIterator[Rows]:
    """Open the file, which waits on disk, and refuse one without the column."""
    text = io.TextIOWrapper(file.file, encoding="utf-8-sig", newline="")
    try:
        reader = csv.DictReader(text)
        if id_property not in (reader.fieldnames or ()):
            raise HTTPException(422, f"The file has no column {id_property!r}.")
        yield reader
    except UNREADABLE:
        raise HTTPException(422, "The file is not a CSV in UTF-8.") from None
    finally:
        text.detach()  # whoever has opened the file closes it


def inputs(rows: Rows, id_property: str) -> Iterator[UpsertInput]:
    """Make inputs of rows; empty cells leave a property as it is."""
    for row in rows:
        properties = {name: value for name, value in row.items() if value}
        yield UpsertInput(properties.pop(id_property, ""), properties)


@router.post("/accounts/{account}/tickets/upload", response_class=EventSourceResponse)
async def upload(
    hub: Hub, rows: Annotated[Rows, Depends(rows)], id_property: PropertyName
) -> AsyncIterable[ServerSentEvent]:
    """Create or update the tickets of a CSV, by a property that is unique.

    Each row that fails is an event, and every half second tells of the progress.
    Memory stays bounded however long the file is. Who goes away stops it; sending the
    file again does no harm.
    """
    batch = hub.tickets.upsert(inputs(rows, id_property), id_property=id_property)
    told = time.monotonic()
    try:
        async with batch as outcomes:
            async for outcome in outcomes:
                if outcome.error is not None:
                    failure = {"row": outcome.index + 1, "status": outcome.status}
                    yield _event("failure", failure | describe(outcome.error))
                if time.monotonic() - told >= EVERY:
                    told = time.monotonic()
                    yield _event("progress", asdict(batch.summary))
    except HubBatchError as error:
        yield _event("ended", describe(error))
    except UNREADABLE:
        yield _event("ended", {"error": "the file is not a CSV in UTF-8"})
    yield _event("done", asdict(batch.summary))


def _event(name: str, data: dict[str, Any]) -> ServerSentEvent:
    return ServerSentEvent(event=name, data=data)

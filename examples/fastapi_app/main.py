"""The application: uvicorn fastapi_app.main:app --app-dir examples --workers 2."""

from typing import Annotated

from fastapi import FastAPI, Query, Request

from hubbatch import SimplePublicObject
from hubbatch.integrations.fastapi import (
    ERROR_RESPONSES,
    add_exception_handlers,
    lifespan,
)

from . import uploads
from .accounts import TOKENS, Hub, opening
from .models import Properties, PropertyName


app = FastAPI(title="Tickets", lifespan=lifespan(opening), responses=ERROR_RESPONSES)
add_exception_handlers(app)
app.include_router(uploads.router)

SHOWN = ["subject", "content", "hs_pipeline_stage", "hs_ticket_priority"]

# The calls of concurrent requests are sent together: a hundred of them are one request
# to HubSpot. `add_exception_handlers` turns their errors into responses.


@app.get("/accounts/{account}/tickets/{ticket_id}")
async def read(
    ticket_id: str,
    hub: Hub,
    properties: Annotated[list[PropertyName], Query()] = SHOWN,
) -> SimplePublicObject:
    """Read a ticket."""
    return await hub.single.tickets.read(ticket_id, properties)


@app.post("/accounts/{account}/tickets", status_code=201)
async def create(properties: Properties, hub: Hub) -> SimplePublicObject:
    """Create a ticket."""
    return await hub.single.tickets.create(properties)


@app.patch("/accounts/{account}/tickets/{ticket_id}")
async def update(
    ticket_id: str, properties: Properties, hub: Hub
) -> SimplePublicObject:
    """Set properties of a ticket."""
    return await hub.single.tickets.update(ticket_id, properties)


@app.delete("/accounts/{account}/tickets/{ticket_id}", status_code=204)
async def archive(ticket_id: str, hub: Hub) -> None:
    """Archive a ticket."""
    await hub.single.tickets.archive(ticket_id)


# ---- for the operator


@app.get("/health")
async def health() -> dict[str, str]:
    """Answer while the process is alive."""
    return {"status": "alive"}


accepted: set[str] = set()


@app.get("/ready")
async def ready(request: Request) -> dict[str, str]:
    """Answer 200 once HubSpot has accepted the token of every account.

    If HubSpot is down later, requests for tickets get 503. That is no reason to take
    the process out of service.
    """
    for account in TOKENS.keys() - accepted:
        hub = await request.state.hubbatch.get(account)
        await hub.account()
        accepted.add(account)
    return {"status": "ready"}

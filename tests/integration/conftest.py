"""The client and a simulator, over local sockets.

The clock jumps, but not before the sockets have been silent for a moment: the
ten seconds of HubSpot's window cost nothing, and no request is overtaken.
"""

import asyncio

from collections.abc import AsyncIterator, Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import attrs
import pytest
import pytest_asyncio

from hubbatch import Batch, HubBatch, HubSpotUnavailable
from hubbatch.simulator import Simulator
from tests.net.virtual import VirtualTimeLoop


# Real seconds of silence before the clock jumps.
PATIENCE = 0.01


def pytest_asyncio_loop_factories() -> Mapping[
    str, Callable[[], asyncio.AbstractEventLoop]
]:
    return {"virtual": lambda: VirtualTimeLoop(PATIENCE)}


@attrs.define
class Portal:
    """A simulator on the loop's clock, and a client for it."""

    sim: Simulator

    def hub(self, **options: object) -> HubBatch:
        given = {"access_token": self.sim.token, "base_url": self.sim.url, **options}
        return HubBatch(**given)  # type: ignore[arg-type] # options of any kind

    def tickets(self, count: int) -> list[str]:
        create = self.sim.store.create
        return [create("tickets", {"subject": f"s{n}"}).id for n in range(count)]

    @property
    def statuses(self) -> list[int | None]:
        return [received.status for received in self.sim.requests]


async def unanswered(batch: Batch[Any]) -> Any:
    """Await a batch whose requests get no answer; return its response."""
    with pytest.raises(HubSpotUnavailable) as caught:
        await batch
    response = caught.value.response
    assert caught.value.maybe_written is bool(response.unknown)
    assert (response.status, response.ok) == ("CANCELED", False)
    return response


@pytest_asyncio.fixture
async def portal(request: pytest.FixtureRequest) -> AsyncIterator[Portal]:
    options = getattr(request, "param", {})
    sim = Simulator(
        seed=7,
        clock=asyncio.get_running_loop().time,
        started=datetime(2026, 9, 14, 12, tzinfo=UTC),
        **options,
    )
    async with sim:
        yield Portal(sim)

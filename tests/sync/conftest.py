"""A client without asyncio, on a simulated account."""

from collections.abc import Iterator

import pytest

from hubbatch import HubBatch
from hubbatch.simulator import Simulator
from hubbatch.sync import SyncHubBatch


@pytest.fixture
def hub(hubspot_simulator: Simulator) -> Iterator[SyncHubBatch]:
    sim = hubspot_simulator
    with HubBatch.sync(sim.token, base_url=sim.url) as hub:
        yield hub


@pytest.fixture
def ids(hubspot_simulator: Simulator) -> list[str]:
    store = hubspot_simulator.store
    return [store.create("tickets", {"subject": "old"}).id for _ in range(250)]

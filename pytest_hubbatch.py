"""The pytest fixture `hubspot_simulator`; nothing is imported before it is used.

A module beside the package: pytest loads its plugins whenever it starts, and a module
inside the package would bring in the whole client with it.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest


if TYPE_CHECKING:
    from hubbatch.simulator.server.server import Simulator


def pytest_configure(config: pytest.Config) -> None:
    """Name the marker that carries the simulator's options."""
    config.addinivalue_line(
        "markers",
        "hubspot_simulator(**options): how to start the simulator of a test, "
        "e.g. tier='starter', seed=7.",
    )


@pytest.fixture
def hubspot_simulator(request: pytest.FixtureRequest) -> "Iterator[Simulator]":
    """Run a HubSpot of one's own in a thread, for one test."""
    from hubbatch.simulator.server.server import Simulator  # noqa: PLC0415

    marker = request.node.get_closest_marker("hubspot_simulator")
    options = {} if marker is None else marker.kwargs
    with Simulator(**options) as simulator:
        yield simulator

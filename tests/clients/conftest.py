"""A full portal in a simulator, as large as the portals of the proofs."""

import pytest

from hubbatch.simulator import Simulator

from .portal import fill


@pytest.fixture
def portal(hubspot_simulator: Simulator) -> Simulator:
    fill(hubspot_simulator)
    return hubspot_simulator

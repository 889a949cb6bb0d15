"""The examples of README and guides are tests, each against a simulator of its own."""

import pytest

from sybil import Sybil
from sybil.parsers.markdown import PythonCodeBlockParser, SkipParser

from hubbatch.simulator import Simulator


@pytest.fixture
def account(hubspot_simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> Simulator:
    """Point the environment, as a user would, at a simulated account."""
    monkeypatch.setenv("HUBSPOT_ACCESS_TOKEN", hubspot_simulator.token)
    monkeypatch.setenv("HUBBATCH_BASE_URL", hubspot_simulator.url)
    return hubspot_simulator


pytest_collect_file = Sybil(
    parsers=[PythonCodeBlockParser(), SkipParser()],
    patterns=["README.md", "docs/observing.md", "docs/guides/*.md"],
    fixtures=["account"],
).pytest()

"""What is written with other engines runs with them: `nox -s engines`.

These tests are apart from the others because what they need is large.
"""

from pathlib import Path
from typing import Any

import pytest

from hubbatch.simulator import Simulator


@pytest.fixture(autouse=True)
def _at_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let dlt find nothing of this machine, and tell nobody."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RUNTIME__DLTHUB_TELEMETRY", "false")
    monkeypatch.setenv("DLT_DATA_DIR", str(tmp_path / "dlt"))


@pytest.fixture
def account(hubspot_simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> Simulator:
    """Tell dlt of a simulated account, as a deployment would."""
    known: dict[str, Any] = {
        "ACCESS_TOKEN": hubspot_simulator.token,
        "BASE_URL": hubspot_simulator.url,
    }
    for name, value in known.items():
        monkeypatch.setenv(f"DESTINATION__HUBSPOT__{name}", value)
    return hubspot_simulator

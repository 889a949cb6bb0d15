"""The pytest fixture, used as a user's project would."""

import gc
import os
import socket
import subprocess
import sys
import time

from pathlib import Path

import pytest

from hubbatch.simulator import Fault, Simulator


USER = """
import sys
import urllib.request

import pytest


def test_nothing_is_imported_before_it_is_used():
    assert "hubbatch" not in sys.modules
    assert "aiohttp" not in sys.modules


@pytest.mark.hubspot_simulator(tier="starter", seed=9)
def test_it_answers(hubspot_simulator):
    hubspot_simulator.store.create("tickets", {"subject": "x"})
    headers = {"Authorization": "Bearer " + hubspot_simulator.token}
    url = hubspot_simulator.url + "/account-info/v3/details"
    with urllib.request.urlopen(urllib.request.Request(url, headers=headers)) as got:
        assert got.headers["X-HubSpot-RateLimit-Remaining"] == "99"
    assert hubspot_simulator.token == "TOKEN"
    assert len(hubspot_simulator.requests) == 1
"""


def test_fixture(tmp_path: Path) -> None:
    token = Simulator(seed=9).token
    (tmp_path / "test_user.py").write_text(USER.replace("TOKEN", token))
    environ = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    # The temporary folder may be inside this project: ignore its configuration.
    apart = ["-c", os.devnull, "--rootdir", ".", "--confcutdir", "."]
    strict = [*apart, "--strict-markers", "-W", "error"]
    ran = subprocess.run(  # noqa: S603
        [sys.executable, "-m", "pytest", *strict, "-p", "pytest_hubbatch"],
        cwd=tmp_path,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )

    assert "2 passed" in ran.stdout
    assert ran.returncode == 0


def test_no_task_outlives_a_disconnected_client(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Otherwise the garbage collector logs pending tasks during some later test."""
    with Simulator() as sim:
        sim.faults.add(Fault("delay", seconds=60))
        host, port = sim.url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port))) as caller:
            caller.sendall(b"GET /account-info/v3/details HTTP/1.1\r\nHost: x\r\n\r\n")
            while not sim.requests:
                time.sleep(0.001)
    gc.collect()
    assert caplog.records == []

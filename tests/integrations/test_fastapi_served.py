"""The README's application under uvicorn, as a newcomer runs it."""

import os
import re
import subprocess
import sys
import time

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from socket import create_server

import httpx
import pytest

from attrs import define, field

from hubbatch.simulator import Fault, Simulator


pytestmark = pytest.mark.slow

README = Path(__file__).parents[2] / "README.md"
WRONG = "pat-na1-00000000-0000-0000-0000-000000000000"
VALUE = "a-value-of-a-property"


@define
class Server:
    """A running uvicorn."""

    process: subprocess.Popen[str]
    log_file: Path
    url: str = field(default="", init=False)

    @property
    def log(self) -> str:
        return self.log_file.read_text("utf-8")

    def has_started(self) -> bool:
        """Wait until it serves, or has refused to."""
        while self.process.poll() is None:
            if found := re.search(r"running on (http://[\d.:]+)", self.log):
                self.url = found[1]
                return True
            time.sleep(0.02)
        return False


Serve = Callable[..., Server]


@pytest.fixture
def serve(hubspot_simulator: Simulator, tmp_path: Path) -> Iterator[Serve]:
    """Return a function that saves the README's application and serves it."""
    [app] = re.findall(
        r"```python\n(from fastapi .*?)```", README.read_text("utf-8"), re.DOTALL
    )
    servers = []

    def run(token: str, *, check: bool = False, base_url: str = "") -> Server:
        code = app
        if check:
            code = app.replace("lifespan(HubBatch)", "lifespan(HubBatch, check=True)")
            assert code != app
        (tmp_path / "app.py").write_text(code, "utf-8")
        log = tmp_path / "log"
        environment = {
            "HUBSPOT_ACCESS_TOKEN": token,
            "HUBBATCH_BASE_URL": base_url or hubspot_simulator.url,
        }
        with log.open("w") as stderr:
            process = subprocess.Popen(
                [sys.executable, "-m", "uvicorn", "app:app", "--port", "0"],
                cwd=tmp_path,
                env={**os.environ, **environment},
                stdout=subprocess.DEVNULL,
                stderr=stderr,
                text=True,
            )
        servers.append(Server(process, log))
        return servers[-1]

    yield run
    for server in servers:
        server.process.terminate()
        server.process.wait(20)


def test_with_the_right_token_a_patch_returns_the_record(
    serve: Serve, hubspot_simulator: Simulator
) -> None:
    ticket = hubspot_simulator.store.create("tickets", {"subject": "old"})
    server = serve(hubspot_simulator.token)
    assert server.has_started()
    answer = httpx.patch(f"{server.url}/tickets/{ticket.id}", json={"subject": VALUE})
    assert answer.status_code == 200
    assert answer.json()["id"] == ticket.id
    assert answer.json()["properties"]["subject"] == VALUE
    assert answer.json()["updatedAt"].endswith("Z")
    assert ticket.properties["subject"] == VALUE
    assert "HubSpot" not in server.log
    assert VALUE not in server.log


def test_with_a_wrong_token_the_log_says_what_to_do(serve: Serve) -> None:
    server = serve(WRONG)
    assert server.has_started()
    answer = httpx.patch(f"{server.url}/tickets/7", json={"subject": VALUE})
    assert answer.status_code == 502
    body = answer.json()
    assert body["error"] == "AuthenticationError"
    [line] = [line for line in server.log.splitlines() if "HubSpot" in line]
    assert line == (
        "A call to HubSpot failed: 401 AuthenticationError, category "
        f"{body['category']}, correlation id {body['correlation_id']}. Check the "
        "access token: the environment variable HUBSPOT_ACCESS_TOKEN, or what the "
        "application passes instead."
    )
    assert WRONG not in server.log + answer.text
    assert VALUE not in server.log + answer.text


def test_a_retry_is_in_the_log(serve: Serve, hubspot_simulator: Simulator) -> None:
    ticket = hubspot_simulator.store.create("tickets", {"subject": "old"})
    hubspot_simulator.faults.add(Fault("status", status=503))
    server = serve(hubspot_simulator.token)
    assert server.has_started()
    answer = httpx.patch(f"{server.url}/tickets/{ticket.id}", json={"subject": "new"})
    assert answer.status_code == 200
    assert re.search(r"1 inputs from index 0 are retried in [\d.]+ s", server.log)


def test_a_check_refuses_to_start_with_a_wrong_token(serve: Serve) -> None:
    server = serve(WRONG, check=True)
    assert not server.has_started()
    assert server.process.wait(20) == 3  # uvicorn's status for a failed start
    assert "hubbatch.AuthenticationError: The access token may be wrong" in server.log
    assert (
        "The application does not start, because HubSpot refuses its access token. "
        "Check the access token: the environment variable HUBSPOT_ACCESS_TOKEN, or "
        "what the application passes instead."
    ) in server.log
    assert WRONG not in server.log


def test_a_check_with_the_right_token_starts(
    serve: Serve, hubspot_simulator: Simulator
) -> None:
    server = serve(hubspot_simulator.token, check=True)
    assert server.has_started()
    change = {"subject": "new"}
    answer = httpx.patch(f"{server.url}/tickets/404", json=change)
    assert answer.status_code == 404


def test_a_check_starts_while_hubspot_is_down(serve: Serve) -> None:
    with closing(create_server(("127.0.0.1", 0))) as free:
        port = free.getsockname()[1]
    server = serve(WRONG, check=True, base_url=f"http://127.0.0.1:{port}")
    assert server.has_started()
    assert re.search(r"The access token could not be checked \(\w+\)", server.log)
    assert httpx.get(f"{server.url}/openapi.json").status_code == 200

"""The recipe for Taskiq, with a real Redis and real workers."""

import os
import re
import signal
import subprocess
import sys
import threading

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import msgspec
import pytest

from hubbatch.jobs import read_status
from hubbatch.simulator import Simulator
from hubbatch.simulator.server.received import Received
from tests.integrations.conftest import RedisServer, redis_server


__all__ = ["redis_server"]

PAGE = Path(__file__).parents[2] / "docs" / "recipes.md"
# The section about Taskiq.
SECTION = PAGE.read_text().partition("\n## Taskiq")[2].partition("\n## ")[0]
PORTALS = (62515, 71717)
ROWS = 6_000


class Portals:
    """Two portals, each with a folder, a token and a count of what came."""

    def __init__(self, folder: Path, url: str) -> None:
        self.redis = url
        self.folder = folder
        self.came = {portal: threading.Semaphore(0) for portal in PORTALS}
        self.simulator = Simulator(
            limit=1_000_000, latency=0.05, on_request=self._count, portal_id=PORTALS[0]
        )
        other = self.simulator.open_account(PORTALS[1])
        token = self.simulator.issue_token(account=other, limit=1_000_000)
        self.tokens = dict(zip(PORTALS, (self.simulator.token, token), strict=True))
        self.stores = dict(
            zip(PORTALS, (self.simulator.store, other.store), strict=True)
        )
        for portal in PORTALS:
            self.put(portal)

    def put(self, portal: int) -> None:
        where = self.folder / str(portal)
        where.mkdir()
        for text in re.findall(r"```python\n(.*?)```", SECTION, re.DOTALL):
            name = text.removeprefix("# ").split("\n", 1)[0]
            (where / name).write_text(text)
        emails = [f"p{i}@{portal}.example.com" for i in range(ROWS)]
        (where / "contacts.csv").write_text("\n".join(["email", *emails, ""]))

    def _count(self, received: Received) -> None:
        if "/batch/" in received.path:
            inputs = msgspec.json.decode(received.content)["inputs"]
            for portal in PORTALS:
                if f"@{portal}." in inputs[0]["id"]:
                    self.came[portal].release()

    @contextmanager
    def run(self, portal: int, *command: str) -> Iterator[subprocess.Popen[str]]:
        given = {
            "PORTAL": str(portal),
            "REDIS_URL": self.redis,
            "HUBSPOT_ACCESS_TOKEN": self.tokens[portal],
            "HUBBATCH_BASE_URL": self.simulator.url,
        }
        process = subprocess.Popen(  # noqa: S603 -- our own
            [sys.executable, *command],
            cwd=self.folder / str(portal),
            env={**os.environ, **given},
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        with process:
            try:
                yield process
            finally:
                if process.poll() is None:
                    os.killpg(process.pid, signal.SIGKILL)

    def worker(self, portal: int) -> AbstractContextManager[subprocess.Popen[str]]:
        line = next(one for one in SECTION.splitlines() if " taskiq worker " in one)
        _, _, options = line.partition("taskiq worker ")
        return self.run(portal, "-m", "taskiq", "worker", *options.split())


@pytest.mark.timeout(400)
def test_portals_do_not_wait_for_each_other_and_a_killed_job_goes_on(
    tmp_path: Path, redis_server: RedisServer
) -> None:
    one, other = PORTALS
    portals = Portals(tmp_path, redis_server.url)
    journal = tmp_path / str(one) / "contacts.csv.db"
    with portals.simulator, portals.worker(other):
        with portals.run(one, "ask.py"), portals.worker(one) as worker:
            for _ in range(20):
                assert portals.came[one].acquire(timeout=120)
            os.killpg(worker.pid, signal.SIGKILL)
        assert 0 < portals.stores[one].count("contacts") < ROWS
        # The other portal's worker is none of this one's, and has its own work done.
        with portals.run(other, "ask.py") as asking:
            assert asking.communicate(timeout=60)[0] == "finished\n"
        assert portals.stores[other].count("contacts") == ROWS
        assert not read_status(journal).finished
        with portals.worker(one):
            with portals.run(one, "ask.py") as asking:
                assert asking.communicate(timeout=60)[0] == "finished\n"
            before = len(portals.simulator.requests)
            with portals.run(one, "ask.py") as asking:
                assert asking.communicate(timeout=60)[0] == "finished\n"
            assert len(portals.simulator.requests) == before
        assert portals.stores[one].count("contacts") == ROWS
        assert read_status(journal).succeeded == ROWS

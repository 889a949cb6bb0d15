"""A job that is killed and resumed at once: HubSpot still counts its last requests."""

import asyncio
import shutil

from collections.abc import Mapping
from concurrent.futures import Executor, Future
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from attrs import define, field

from hubbatch import HubBatch
from hubbatch._net import shared_limit
from hubbatch._net.gate import Gate
from hubbatch.jobs import Job, JobReport
from hubbatch.jobs.journal import journal as journal_module
from hubbatch.jobs.journal.wal import wal_of
from hubbatch.simulator import Simulator
from tests.net.virtual import VirtualTimeLoop

from .conftest import Table, tickets


# Real seconds of silence before the clock jumps.
PATIENCE = 0.02
# What a client assumes before HubSpot has reported the limit.
ASSUMED = 100


class Inline(Executor):
    """Runs the journal's work at once, so that the clock does not jump meanwhile."""

    def __init__(self, *_: object, **_options: object) -> None:
        """Take the arguments of a pool."""

    def submit(self, call: Any, /, *arguments: Any, **options: Any) -> Future[Any]:
        done: Future[Any] = Future()
        try:
            done.set_result(call(*arguments, **options))
        except BaseException as error:  # noqa: BLE001 -- as a pool does
            done.set_exception(error)
        return done


@define
class Seen:
    """What a run showed of the limits of its account."""

    allowed: set[int] = field(factory=set)
    others: set[int] = field(factory=set)


@define
class Killed:
    """A job that is resumed at once after it has used the whole limit."""

    sim: Simulator
    limit: int
    where: Path
    options: Mapping[str, Any]
    monkeypatch: pytest.MonkeyPatch
    seen: Seen = field(factory=Seen)
    updates: list[dict[str, Any]] = field(init=False)

    @updates.default
    def _make_updates(self) -> list[dict[str, Any]]:
        create = self.sim.store.create
        ids = [create("tickets", {}).id for _ in range(self.limit * 130)]
        return [{"id": one, "properties": {"subject": one}} for one in ids]

    async def run(self, name: str) -> JobReport:
        def look(_: object) -> None:
            self.seen.allowed.add(hub.limits.max_requests)
            self.seen.others.add(hub.limits.used_by_others)

        token, url = self.sim.token, self.sim.url
        hub = HubBatch(token, base_url=url, listeners=[look], **self.options)
        hub._state.today = lambda: datetime.fromtimestamp(
            self.sim.clock.ms() / 1000, UTC
        )
        async with hub:
            source, path = Table(self.updates), self.where / name
            return await Job(hub, "update", "tickets", source, journal=path).run()

    async def kill(self) -> str:
        """Run the job until it has used the limit; return its journal's name."""
        first = asyncio.create_task(self.run("run.db"))
        while len(self.sim.requests) < self.limit:
            assert not first.done()
            await asyncio.sleep(0.1)
        shutil.copy(self.where / "run.db", self.where / "copy.db")
        wal = wal_of(self.where / "run.db")
        shutil.copy(wal, wal_of(self.where / "copy.db"))
        first.cancel()
        await asyncio.wait([first])
        shared_limit._by_loop.clear()  # as in another process
        return "copy.db"

    async def check(self) -> None:
        report = await self.run(await self.kill())

        assert (report.resumed, report.succeeded) == (True, len(self.updates))
        assert report.throttled == 0
        assert {received.status for received in self.sim.requests} == {200}
        assert self.seen.others == {0}
        assert self.seen.allowed <= {ASSUMED, self.limit}


@pytest.mark.parametrize(("limit", "options"), [(25, {"rate_limit": 25}), (110, {})])
def test_it_neither_exceeds_the_window_nor_takes_its_requests_for_anothers(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    limit: int,
    options: Mapping[str, Any],
) -> None:
    async def on_virtual_clock() -> None:
        now = asyncio.get_running_loop().time
        monkeypatch.setattr(journal_module, "ThreadPoolExecutor", Inline)
        started = datetime(2026, 9, 14, 12, tzinfo=UTC)
        async with Simulator(limit=limit, clock=now, started=started) as sim:
            await Killed(sim, limit, tmp_path, options, monkeypatch).check()

    with asyncio.Runner(loop_factory=lambda: VirtualTimeLoop(PATIENCE)) as runner:
        runner.run(on_virtual_clock())


def test_limits_count_each_request_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Limits belong to an event loop, not to a process; some outlive a run."""
    recorded: list[float] = []
    monkeypatch.setattr(
        Gate, "record_earlier", lambda _, ages, _family: recorded.extend(ages)
    )
    monkeypatch.setattr(journal_module, "ThreadPoolExecutor", Inline)

    async def run_twice() -> list[int]:
        """Send four requests with one client, twice; return how many it took over."""
        counts = []
        clock = asyncio.get_running_loop().time

        def stop() -> None:
            if len(sim.requests) in (4, 8):
                job.stop()

        async with (
            Simulator(clock=clock, on_request=lambda _: stop()) as sim,
            HubBatch(sim.token, base_url=sim.url, rate_limit=4) as hub,
        ):
            for _ in range(2):
                recorded.clear()
                source, path = Table(tickets(range(5_000))), tmp_path / "run.db"
                job = Job(hub, "create", "tickets", source, journal=path)
                assert (await job.run()).resumable
                counts.append(len(recorded))
        return counts

    def run_in_a_loop() -> list[int]:
        with asyncio.Runner(loop_factory=lambda: VirtualTimeLoop(PATIENCE)) as runner:
            return runner.run(run_twice())

    assert run_in_a_loop() == [0, 0]
    # All of these were sent before; once taken over, they are the client's own.
    assert run_in_a_loop() == [8, 0]
    assert run_in_a_loop() == [16, 0]

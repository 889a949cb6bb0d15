"""Single calls over sockets, with faults and with callers that leave.

Every write has a value of its own, so the store tells afterwards what was done.
"""

import asyncio
import random

from collections import Counter
from random import Random
from typing import Any

import pytest

from hubbatch import (
    HubBatchError,
    OutcomeUnknown,
    RecordConflict,
    RecordNotFound,
    RetryPolicy,
)
from hubbatch.simulator import Fault, Property
from tests.integration.conftest import Portal


async def test_conflict_and_missing_record(portal: Portal) -> None:
    """The errors are HubSpot's own, one for each caller."""
    portal.sim.store.define("car", [Property("plate", unique=True)])
    taken = portal.sim.store.create("car", {"plate": "P1"})
    async with portal.hub() as hub:
        cars = hub.single.objects("car")
        ends = await asyncio.gather(
            cars.create({"plate": "P1"}),
            cars.create({"plate": "P2"}),
            cars.read("P2", ["plate"], id_property="plate"),
            cars.read("404"),
            cars.read(taken.id, ["plate"]),
            return_exceptions=True,
        )
        late = await cars.read("P2", ["plate"], id_property="plate")
    assert isinstance(ends[0], RecordConflict)
    assert ends[0].existing_id == taken.id
    assert not isinstance(ends[1], BaseException)
    assert late.id == ends[1].id
    assert isinstance(ends[3], RecordNotFound)
    assert not isinstance(ends[4], BaseException)
    assert ends[4].properties["plate"] == "P1"


async def test_who_has_written_reads_what_was_written(portal: Portal) -> None:
    [ticket] = portal.tickets(1)
    async with portal.hub() as hub:
        tickets = hub.single.tickets

        async def write_and_read(value: str) -> str | None:
            await tickets.update(ticket, {"subject": value})
            return (await tickets.read(ticket, ["subject"])).properties["subject"]

        assert await write_and_read("one") == "one"
        assert await write_and_read("two") == "two"


class Storm:
    """Callers that come and go, and how each call ended."""

    def __init__(self, seed: int, portal: Portal) -> None:
        self.chance = Random(seed)
        self.portal = portal
        self.ids = portal.tickets(30)
        self.ends: dict[str, list[Any]] = {}
        self.left: set[str] = set()

    async def _call(self, tickets: Any, value: str) -> None:
        ticket = self.chance.choice([self.ids[0], *self.ids])
        kind = self.chance.choice(["create", "update", "update", "read"])
        told = self.ends.setdefault(value, [])
        try:
            if kind == "create":
                told.append(await tickets.create({"subject": value}))
            elif kind == "update":
                told.append(await tickets.update(ticket, {"subject": value}))
            else:
                assert (await tickets.read(ticket)).id == ticket
                told.append(None)
        except HubBatchError as error:
            told.append(error)
        except asyncio.CancelledError:
            self.left.add(value)
            raise

    async def rage(self, count: int) -> None:
        async with self.portal.hub(retry=RetryPolicy(attempts=4)) as hub:
            tasks = []
            for number in range(count):
                task = asyncio.create_task(self._call(hub.single.tickets, f"v{number}"))
                tasks.append(task)
                if self.chance.random() < 0.2:
                    loop = asyncio.get_running_loop()
                    loop.call_later(self.chance.expovariate(2), task.cancel)
                if self.chance.random() < 0.1:
                    await asyncio.sleep(self.chance.expovariate(5))
            await asyncio.wait(tasks)
        assert hub.single._mailboxes._desk.open == {}

    def check(self) -> Counter[str]:
        written: Counter[str] = Counter()
        for record in self.portal.sim.store.all("tickets"):
            values = [changes.get("subject") for _, changes in record.changes]
            # A repeated call writes the same value.
            written.update({str(value) for value in values if value})
        kinds: Counter[str] = Counter()
        for value, told in self.ends.items():
            assert len(told) == (value not in self.left), value
            assert written[value] <= 1, value
            for end in told:
                kinds[type(end).__name__] += 1
                if isinstance(end, OutcomeUnknown) or end is None:
                    continue
                if isinstance(end, HubBatchError):
                    assert written[value] == 0, (value, end)
                else:
                    assert written[value] == 1, value
                    assert end.properties["subject"] == value
        return kinds


@pytest.mark.parametrize("seed", [1, 2])
async def test_storm(portal: Portal, seed: int) -> None:
    random.seed(seed)  # for the client's jitter
    storm = Storm(seed, portal)
    portal.sim.faults.chaos(0.2)
    portal.sim.faults.add(Fault("honour_trace_ids", 20, value=()))
    before = asyncio.all_tasks()
    await storm.rage(500)
    kinds = storm.check()
    assert kinds["SimplePublicObject"] > 200
    assert storm.left
    left = asyncio.all_tasks() - before
    # The server may not have noticed yet that the connections are closed.
    assert {str(task) for task in left if "RequestHandler.start" not in str(task)} == (
        set()
    )
    assert len(portal.sim.requests) < 300

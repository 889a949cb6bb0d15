"""Thousands of operations under faults, and the proof that the outcomes are true.

    python -m tests.integration.storm [seeds] [operations]

Every operation writes a value of its own, so the store itself tells afterwards which
of them were done, how often and in which order.
"""

import asyncio
import random
import sys

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from random import Random
from typing import Any

from attrs import Factory, define

from hubbatch import Batch, HubBatch, HubBatchError, Outcome, RetryPolicy
from hubbatch.simulator import Fault, Property, Simulator
from hubbatch.simulator.crm.records import Record
from hubbatch.simulator.faults.conditions import Seen
from hubbatch.simulator.faults.faults import CHAOS
from tests.net.virtual import VirtualTimeLoop


STATUSES = ("succeeded", "failed", "unknown", "not_sent")
# The faults that chaos does not cause, and the share of requests that meet each.
QUIRKS: Mapping[str, tuple[object, float]] = {
    "honour_trace_ids": ((), 0.15),
    "silent_noop": (True, 0.03),
    "silent_drop": (True, 0.05),
    "silent_missing": (True, 0.03),
    "echo_trace_ids": (False, 0.2),
    "status_flip": (True, 0.1),
}
WEATHER = (
    *CHAOS,
    Fault("status", status=429, retry_after=3),
    Fault("status", status=477, retry_after=2),
    Fault("status", status=503, retry_after=4),
    Fault("status", status=524),
)
# Variants of HubSpot's answers that are not faults.
MOODS = ("honour_trace_ids", "echo_trace_ids", "status_flip")
# Real seconds of silence before the clock jumps.
PATIENCE = 0.003
BAD: Sequence[Any] = (None, 1.5, {"id": " 5 ", "properties": {}}, {"properties": 7})


@define
class Part:
    """One batch, its inputs, and its response."""

    number: int
    kind: str
    object_type: str
    inputs: list[Any]
    call: Callable[[Any], Batch[Any]]
    ordered: bool = True
    unique: str | None = None
    streams: bool = False
    outcomes: list[Outcome[Any]] = Factory(list)
    batch: Batch[Any] | None = None
    ended: HubBatchError | None = None

    async def run(self) -> None:
        self.batch = batch = self.call(self.inputs)
        try:
            if self.streams:
                async with batch as outcomes:
                    async for outcome in outcomes:
                        self.outcomes.append(outcome)
            else:
                self.outcomes = [*(await batch).outcomes]
        except HubBatchError as error:
            self.ended = error
            if not self.streams:
                self.outcomes = [*error.response.outcomes]
        self.outcomes.sort(key=lambda outcome: outcome.index)


@define
class Storm:
    """A portal, the batches that are sent to it, and the checks afterwards."""

    sim: Simulator
    hub: HubBatch
    chance: Random
    parts: list[Part] = Factory(list)
    merged: dict[str, str] = Factory(dict)

    # ---- the work

    def plan(self, operations: int) -> None:
        """Make batches of every kind until there are enough operations."""
        self.sim.store.define(
            "car",
            [Property("plate", unique=True), Property("rank", "number"), "note"],
        )
        makers = (
            self._create,
            self._reconciled,
            self._update,
            self._update_by_plate,
            self._rename,
            self._upsert,
            self._upsert_contacts,
            self._aliases,
            self._legacy,
            self._read,
            self._read_by_plate,
            self._archive,
        )
        planned = 0
        while planned < operations:
            for make in makers:
                count = self.chance.choice([3, 40, 120, 250])
                part = make(len(self.parts), count)
                part.streams = self.chance.random() < 0.5
                for _ in range(count // 40):
                    place = self.chance.randrange(len(part.inputs) + 1)
                    part.inputs.insert(place, self.chance.choice(BAD))
                _name_values(part)
                self.parts.append(part)
                planned += len(part.inputs)

    def _cars(self, number: int, count: int) -> list[Record]:
        return [
            self.sim.store.create("car", {"plate": f"P{number}-{n}", "note": "old"})
            for n in range(count)
        ]

    def _tickets(self, count: int) -> list[Record]:
        return [
            self.sim.store.create("tickets", {"subject": "old"}) for _ in range(count)
        ]

    def _spoil(self, texts: dict[str, str], name: str, bad: str) -> dict[str, str]:
        """Make some records invalid."""
        lot = self.chance.random()
        if lot < 0.03:
            return {**texts, name: bad}
        return {**texts, "nonsense": "x"} if lot < 0.04 else texts

    def _create(self, number: int, count: int) -> Part:
        inputs = [
            {"properties": self._spoil({"subject": ""}, "hs_pipeline_stage", "77")}
            for _ in range(count)
        ]
        return Part(number, "create", "tickets", inputs, self.hub.tickets.create)

    def _reconciled(self, number: int, count: int) -> Part:
        """Some plates exist already, and some occur twice."""
        taken = self._cars(number, count // 25)
        plates = [record.properties["plate"] for record in taken]
        inputs: list[Any] = []
        for n in range(count):
            old = plates and self.chance.random() < 0.04
            plate = self.chance.choice(plates) if old else f"N{number}-{n}"
            if self.chance.random() < 0.5:
                plates.append(plate)
            texts = self._spoil({"plate": plate, "note": ""}, "rank", "many")
            inputs.append({"properties": texts})
        return Part(
            number,
            "create",
            "car",
            inputs,
            lambda given: self.hub.objects("car").create(given, reconcile_by="plate"),
            unique="plate",
        )

    def _update(self, number: int, count: int) -> Part:
        """Some records are written repeatedly, some are gone, some merged."""
        records = self._tickets(count // 2 + 1)
        ids = [record.id for record in records] + ["404", "405"]
        for _ in range(count // 40):
            loser, survivor = ids.pop(0), ids[0]
            self.sim.store.merge("tickets", loser, survivor)
            self.merged[loser] = survivor
            ids.append(loser)
        inputs = [
            {
                "id": self._often(ids, n),
                "properties": self._spoil({"subject": ""}, "hs_pipeline_stage", "77"),
            }
            for n in range(count)
        ]
        return Part(number, "update", "tickets", inputs, self.hub.tickets.update)

    def _update_by_plate(self, number: int, count: int) -> Part:
        records = self._cars(number, count // 2 + 1)
        plates = [record.properties["plate"] for record in records] + ["nobody's"]
        inputs = [
            {
                "id": self._often(plates, n),
                "properties": self._spoil({"note": ""}, "rank", "many"),
            }
            for n in range(count)
        ]
        return Part(
            number,
            "update",
            "car",
            inputs,
            lambda given: self.hub.objects("car").update(given, id_property="plate"),
        )

    def _rename(self, number: int, count: int) -> Part:
        """Each record gets a plate other than the one that identifies it."""
        inputs = [
            {
                "id": record.properties["plate"],
                "properties": self._spoil(
                    {"note": "", "plate": f"R{number}-{n}"}, "rank", "x"
                ),
            }
            for n, record in enumerate(self._cars(number, count))
        ]
        return Part(
            number,
            "update",
            "car",
            inputs,
            lambda given: self.hub.objects("car").update(given, id_property="plate"),
        )

    def _upsert(self, number: int, count: int) -> Part:
        records = self._cars(number, count // 4 + 1)
        plates = [record.properties["plate"] for record in records]
        plates += [f"U{number}-{n}" for n in range(count // 4 + 1)]
        inputs = [
            {
                "id": self._often(plates, n),
                "properties": self._spoil({"note": ""}, "rank", "many"),
            }
            for n in range(count)
        ]
        return Part(
            number,
            "upsert",
            "car",
            inputs,
            lambda given: self.hub.objects("car").upsert(given, id_property="plate"),
        )

    def _upsert_contacts(self, number: int, count: int) -> Part:
        """By addresses in any case; some are secondary addresses of a contact."""
        addresses = [f"c{number}-{n}@example.com" for n in range(count // 2 + 2)]
        old = {"email": addresses[0], "firstname": "old"}
        other = {"email": f"other{number}@example.com", "firstname": "old"}
        survivor = self.sim.store.create("contacts", other)
        loser = self.sim.store.create("contacts", old)
        self.sim.store.merge("contacts", loser.id, survivor.id)
        inputs = []
        for n in range(count):
            text = self._often(addresses, n)
            properties = {"firstname": ""}
            if self.chance.random() < 0.02:
                properties["email"] = "not an address"
            shouts = self.chance.random() < 0.2
            inputs.append(
                {"id": text.upper() if shouts else text, "properties": properties}
            )
        return Part(
            number,
            "upsert",
            "contacts",
            inputs,
            lambda given: self.hub.contacts.upsert(given, id_property="email"),
        )

    def _aliases(self, number: int, count: int) -> Part:
        """Records under two names; nothing shows that they are the same."""
        records = self._cars(number, count // 2 + 1)
        inputs: list[Any] = []
        for n in range(count):
            record = records[n % len(records)]
            given: dict[str, Any] = {"id": record.id, "properties": {"note": ""}}
            if n % 2:
                given |= {"id": record.properties["plate"], "idProperty": "plate"}
            inputs.append(given)
        return Part(
            number,
            "update",
            "car",
            inputs,
            self.hub.objects("car").update,
            ordered=False,
        )

    def _legacy(self, number: int, count: int) -> Part:
        ids = [int(record.id) for record in self._tickets(count // 2 + 1)]
        if count > 50:
            ids.append(404)
        inputs = [
            {"objectId": self._often(ids, n), "properties": {"subject": ""}}
            for n in range(count)
        ]
        return Part(number, "update", "tickets", inputs, self.hub.legacy.tickets.update)

    def _read(self, number: int, count: int) -> Part:
        ids = [record.id for record in self._tickets(count)] + ["404"]
        for _ in range(count // 40):
            loser = ids.pop(0)
            self.sim.store.merge("tickets", loser, ids[0])
            self.merged[loser] = ids[0]
            ids.append(loser)
        inputs = [self._often(ids, n) for n in range(count)]
        return Part(number, "read", "tickets", inputs, self.hub.tickets.read)

    def _read_by_plate(self, number: int, count: int) -> Part:
        plates = [r.properties["plate"] for r in self._cars(number, count)]
        inputs = [self._often([*plates, "nobody's"], n) for n in range(count)]
        return Part(
            number,
            "read",
            "car",
            inputs,
            lambda given: self.hub.objects("car").read(given, id_property="plate"),
            unique="plate",
        )

    def _archive(self, number: int, count: int) -> Part:
        ids = [record.id for record in self._tickets(count)] + ["404"]
        inputs = [self._often(ids, n) for n in range(count)]
        return Part(number, "archive", "tickets", inputs, self.hub.tickets.archive)

    def _often(self, keys: Sequence[Any], place: int) -> Any:
        """Yield keys in turn, but sometimes repeat one of the first."""
        if self.chance.random() < 0.15:
            return keys[self.chance.randrange(min(3, len(keys)))]
        return keys[place % len(keys)]

    def gather(self, rate: float) -> None:
        """Turn on the faults."""
        faults = self.sim.faults
        faults.chaos(rate, WEATHER)
        for kind, (value, share) in QUIRKS.items():
            faults.add(Fault(kind, None, when=self._lot(share), value=value))  # type: ignore[arg-type] # of many kinds

    def _lot(self, share: float) -> Callable[[Seen], bool]:
        dice = Random(self.chance.random())
        # An archive returns 204 whatever it did: it cannot be checked.
        return lambda seen: seen.verb != "archive" and dice.random() < share

    async def run(self) -> None:
        """Send a few batches at a time."""
        waiting = iter(self.parts)

        async def work() -> None:
            for part in waiting:
                await part.run()

        async with asyncio.TaskGroup() as group:
            for _ in range(8):
                group.create_task(work())

    # ---- what must be so afterwards

    def check(self) -> None:
        written = self._written()
        for part in self.parts:
            _check_account(part)
            match part.kind:
                case "read":
                    self._check_reads(part)
                case "archive":
                    self._check_archived(part)
                case _:
                    self._check_writes(part, written)
        requests = sum(part.batch.summary.requests for part in self.parts if part.batch)
        assert requests == len(self.sim.requests)
        plates = [car.properties["plate"] for car in self.sim.store.all("car")]
        assert len({*plates}) == len(plates)
        self._check_order()

    def _all(self) -> Iterator[tuple[Record, str]]:
        for kind, name in (
            ("tickets", "subject"),
            ("car", "note"),
            ("contacts", "firstname"),
        ):
            for record in self.sim.store._known(kind).records.values():
                yield record, name

    def _written(self) -> Mapping[str, set[str]]:
        """Return for every value the records that have, or had, it."""
        written = defaultdict(set)
        for record, name in self._all():
            for _, changes in record.changes:
                if name in changes:
                    written[changes[name]].add(record.id)
        return written

    def _check_writes(self, part: Part, written: Mapping[str, set[str]]) -> None:
        for outcome in part.outcomes:
            told = f"{part.number}:{outcome.index} {outcome}"
            standing = written.get(f"{part.number}:{outcome.index}", set())
            assert len(standing) <= 1, told
            if outcome.status == "succeeded":
                assert len(standing) == 1, told
                # A result that cannot be assigned has no id.
                assert outcome.id in (None, *standing) or part.kind != "create", told
            elif standing:
                assert outcome.status == "unknown", told
            if part.unique is not None and outcome.status == "unknown":
                assert outcome.error is not None
                assert any(why in outcome.error.message for why in REASONS), told

    def _check_order(self) -> None:
        """For each key the inputs were written in order, and the last one wins."""
        ordered = {part.number for part in self.parts if part.ordered}
        for record, name in self._all():
            values = [c[name] for _, c in record.changes if c.get(name, "old") != "old"]
            places = [tuple(map(int, value.split(":"))) for value in values]
            if values:
                assert record.properties[name] == values[-1]
                assert len({number for number, _ in places}) == 1
                if places[0][0] in ordered:
                    assert places == sorted({*places})

    def _check_reads(self, part: Part) -> None:
        store = self.sim.store._known(part.object_type)
        for outcome in part.outcomes:
            given = outcome.input
            if not isinstance(given, str):
                continue
            found = store.find(given, part.unique) or store.survivor(given)
            if outcome.status == "succeeded":
                assert found is not None
                assert outcome.result is not None
                assert outcome.result.id == found.id
            elif outcome.status == "failed":
                assert outcome.error is not None
                missing = outcome.error.category == "OBJECT_NOT_FOUND"
                assert found is None if missing else outcome.error.origin == "hubbatch"

    def _check_archived(self, part: Part) -> None:
        for outcome in part.outcomes:
            if not isinstance(outcome.input, str):
                continue
            record = self.sim.store.get("tickets", outcome.input)
            if outcome.status == "succeeded":
                assert record is None or record.archived
            elif record is not None and record.archived:
                assert outcome.status == "unknown"

    # ---- what to tell

    @property
    def survived(self) -> Counter[str]:
        """Return the number of faults that occurred, by kind."""
        return Counter(
            f"{fault.status}" if fault.kind == "status" else fault.kind
            for fault in self.sim.faults.struck
            if fault.kind not in MOODS
        )

    def tell(self) -> str:
        struck = self.survived
        statuses = Counter(
            outcome.status.value for part in self.parts for outcome in part.outcomes
        )
        named = ", ".join(f"{count} x {kind}" for kind, count in struck.most_common())
        ends = sum(part.ended is not None for part in self.parts)
        return (
            f"{sum(statuses.values()):,} operations in {len(self.parts):,} batches and "
            f"{len(self.sim.requests):,} requests: "
            + ", ".join(f"{statuses[status]:,} {status}" for status in STATUSES)
            + f"; {ends} batches ended early\n  survived {sum(struck.values()):,} "
            f"faults: {named}"
        )


# Why a reconciled create may be `unknown` all the same.
REASONS = (
    "looked up 3 times",
    "its lookup failed",
    "differs from this input",
    "may have written part",
    "and then the batch was",
)


def _name_values(part: Part) -> None:
    """Set a value on every write that identifies its input."""
    name = {"tickets": "subject", "car": "note", "contacts": "firstname"}
    for index, given in enumerate(part.inputs):
        if isinstance(given, dict) and given not in BAD:
            properties = {**given["properties"]}
            properties[name[part.object_type]] = f"{part.number}:{index}"
            part.inputs[index] = {**given, "properties": properties}


def _check_account(part: Part) -> None:
    """Every input has one outcome, and the summary counts them."""
    assert part.batch is not None
    summary = part.batch.summary
    assert [outcome.index for outcome in part.outcomes] == [*range(len(part.inputs))]
    for outcome in part.outcomes:
        assert outcome.input is part.inputs[outcome.index]
        if outcome.input in BAD:
            assert (outcome.status, outcome.attempts) == ("failed", 0), outcome
    counts = Counter(outcome.status.value for outcome in part.outcomes)
    assert counts == +Counter({name: getattr(summary, name) for name in STATUSES})
    assert summary.settled == summary.inputs == len(part.inputs)


async def _rage(seed: int, operations: int, rate: float, attempts: int) -> Storm:
    random.seed(seed)  # for the client's jitter
    sim = Simulator(
        seed=seed,
        tier="increased",
        clock=asyncio.get_running_loop().time,
        started=datetime(2026, 9, 14, 12, tzinfo=UTC),
    )
    policy = RetryPolicy(attempts=attempts)
    async with sim, HubBatch(sim.token, base_url=sim.url, retry=policy) as hub:
        storm = Storm(sim, hub, Random(seed))
        storm.plan(operations)
        storm.gather(rate)
        await storm.run()
        storm.check()
    return storm


def rage(seed: int, operations: int, *, rate: float = 0.25, attempts: int = 6) -> Storm:
    """Run one storm, check its results, and return it."""
    with asyncio.Runner(loop_factory=lambda: VirtualTimeLoop(PATIENCE)) as runner:
        return runner.run(_rage(seed, operations, rate, attempts))


def main() -> None:
    seeds = int(sys.argv[1]) if len(sys.argv) > 1 else 10
    operations = int(sys.argv[2]) if len(sys.argv) > 2 else 50_000
    survived = 0
    for seed in range(seeds):
        storm = rage(seed, operations)
        survived += storm.survived.total()
        print(f"seed {seed}: {storm.tell()}", flush=True)  # noqa: T201
    print(f"{survived:,} faults survived, no outcome untrue")  # noqa: T201


if __name__ == "__main__":
    main()

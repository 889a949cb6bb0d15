"""Jobs of merges and of GDPR deletes, from Python."""

from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa  # type: ignore[import-untyped]
import pytest

from hubbatch import ConfigurationError, HubBatch, MergeInput, SourceError
from hubbatch.jobs import FailuresSource, Job
from hubbatch.simulator import Simulator


def people(sim: Simulator) -> list[str]:
    create = sim.store.create
    return [create("contacts", {"email": f"p{n}@x.org"}).id for n in range(4)]


@pytest.mark.parametrize("kind", ["path", "lines", "inputs", "pairs", "table"])
async def test_pairs_from_any_source(
    hubspot_simulator: Simulator, tmp_path: Path, kind: str
) -> None:
    sim = hubspot_simulator
    ids = people(sim)
    pairs = [(ids[0], ids[1]), (ids[0], ids[2])]
    names = ("primaryObjectId", "objectIdToMerge")
    rows = [dict(zip(names, pair, strict=True)) for pair in pairs]
    csv, lines = tmp_path / "pairs.csv", tmp_path / "pairs.jsonl"
    csv.write_text("\n".join([",".join(names), *map(",".join, pairs)]))
    lines.write_bytes(b"\n".join(map(msgspec.json.encode, rows)))
    source: Any = {
        "path": csv,
        "lines": lines,
        "inputs": [MergeInput(*pair) for pair in pairs],
        "pairs": pairs,
        "table": pa.Table.from_pylist(rows),
    }[kind]

    async with HubBatch(sim.token, base_url=sim.url) as hub:
        job = Job(hub, "merge", "contacts", source, journal=tmp_path / "run.db")
        report = await job.run()
        again = Job(hub, "merge", "contacts", source, journal=tmp_path / "run.db")
        repeated = await again.run()

    assert (report.inputs, report.succeeded) == (2, 2)
    assert repeated.already_finished
    assert sim.store.count("contacts") == 2
    paths = [received.path for received in sim.requests]
    assert paths.count("/crm/v3/objects/contacts/merge") == 2


async def test_a_failed_pair_is_in_the_failures_and_stays_there(
    hubspot_simulator: Simulator, tmp_path: Path
) -> None:
    sim = hubspot_simulator
    failures = tmp_path / "bad.jsonl"

    async with HubBatch(sim.token, base_url=sim.url) as hub:
        job = Job(hub, "merge", "contacts", [MergeInput(5, "5")], failures=failures)
        report = await job.run()

    assert report.failed == 1
    [line] = map(msgspec.json.decode, failures.read_bytes().splitlines())
    assert line["input"] == {"primaryObjectId": 5, "objectIdToMerge": "5"}
    with pytest.raises(SourceError, match="cannot be undone, so it is not sent"):
        FailuresSource(failures).call()


async def test_a_job_that_makes_no_sense(tmp_path: Path) -> None:
    path = tmp_path / "pairs.csv"
    path.write_text("primaryObjectId,objectIdToMerge\n1,2\n")
    async with HubBatch("pat-na1-x") as hub:
        for verb, kind, options, message in (
            ("merge", "contacts", {"id_column": "a"}, "id_column is not for merges"),
            ("merge", "contacts", {"id_property": "a"}, "merge has no option id_pr"),
            ("gdpr_delete", "companies", {}, "a GDPR delete for contacts only"),
        ):
            every: dict[str, Any] = options
            with pytest.raises(ConfigurationError, match=message):
                Job(hub, verb, kind, path, **every)  # type: ignore[arg-type] # one of two verbs

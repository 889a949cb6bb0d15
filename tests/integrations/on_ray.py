"""The integration with a real Ray; `nox -s ray` runs this file.

Its name keeps it out of the ordinary run, for which half a gigabyte is too much.
"""

import os
import re
import signal
import threading
import time

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]
import pytest
import ray

from hubbatch import ConfigurationError
from hubbatch.integrations.ray import Portals, read, read_all, write
from hubbatch.simulator import Simulator
from tests.integrations.conftest import RedisServer, free_port


# Warnings about Ray's own code.
pytestmark = [pytest.mark.filterwarnings("default"), pytest.mark.timeout(400)]

UNIQUE = "hs_external_object_ids"
VARIABLE = "HUBSPOT_{portal}"
PAGE = Path(__file__).parents[2] / "docs" / "ray.md"


@pytest.fixture(scope="module")
def hubspot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulator]:
    """Run a simulator, a Redis and a Ray; workers inherit the environment."""
    redis = RedisServer(tmp_path_factory.mktemp("redis"), free_port())
    redis.start()
    patch = pytest.MonkeyPatch()
    with Simulator(latency=0.05) as simulator:
        other = simulator.open_account(777)
        patch.setenv("HUBSPOT_62515", simulator.token)
        patch.setenv("HUBSPOT_777", simulator.issue_token(account=other))
        patch.setenv("HUBBATCH_BASE_URL", simulator.url)
        patch.setenv("REDIS_URL", redis.url)
        ray.init(num_cpus=2, include_dashboard=False, object_store_memory=200_000_000)
        ray.data.DataContext.get_current().enable_progress_bars = False
        try:
            yield simulator
        finally:
            ray.shutdown()
            patch.undo()
            redis.kill()


@pytest.fixture(autouse=True)
def fresh(hubspot: Simulator) -> None:
    """Remove all tickets from the portals before each test."""
    hubspot.requests.clear()
    for account in hubspot.apps.accounts.values():
        for record in account.store.all("tickets"):
            account.store.archive("tickets", record.id)


def portals(**options: Any) -> Portals:
    return Portals(token_env=VARIABLE, redis_env="REDIS_URL", **options)


def tickets(count: int, **more: Any) -> Any:
    rows = [{UNIQUE: f"{time.monotonic_ns()}-{n}", **more} for n in range(count)]
    return ray.data.from_arrow(pa.Table.from_pylist(rows))


def test_outcomes_are_at_rest(hubspot: Simulator) -> None:
    """Consuming them twice sends nothing again."""
    given = tickets(2_000, subject="s")
    outcomes = write(
        given, "upsert", "tickets", portals=portals(), portal=777, id_property=UNIQUE
    )
    sent = len(hubspot.requests)
    told = outcomes.take_all()
    assert outcomes.count() == 2_000
    assert len(hubspot.requests) == sent
    assert {row["status"] for row in told} == {"succeeded"}
    assert sorted(row["input_id"] for row in told) == sorted(
        row[UNIQUE] for row in given.take_all()
    )
    assert hubspot.apps.accounts[777].store.count("tickets") == 2_000


def test_outcomes_in_a_folder_are_not_mixed_with_others(
    hubspot: Simulator, tmp_path: Path
) -> None:
    """An existing folder is refused before anything is sent."""
    folder = tmp_path / "outcomes"
    options: dict[str, Any] = {"id_property": UNIQUE, "outcomes": str(folder)}
    told = write(
        tickets(10), "upsert", "tickets", portals=portals(), portal=777, **options
    )
    assert told.count() == pq.read_table(folder).num_rows == 10
    hubspot.requests.clear()
    with pytest.raises(ValueError, match="exist"):
        write(
            tickets(10), "upsert", "tickets", portals=portals(), portal=777, **options
        )
    assert not hubspot.requests


def test_nothing_to_send_has_outcomes_too(hubspot: Simulator, tmp_path: Path) -> None:
    """Ray creates no folder without rows, and knows no columns."""
    nothing = tickets(2).filter(lambda row: not row)
    told = write(
        nothing,
        "upsert",
        "tickets",
        portals=portals(),
        portal=777,
        id_property=UNIQUE,
        outcomes=str(tmp_path / "outcomes"),
    )
    assert told.count() == 0
    assert told.schema().names[:3] == ["portal", "input_id", "status"]
    assert not hubspot.requests


def test_create_is_made_once_when_an_actor_is_killed(
    hubspot: Simulator, tmp_path: Path
) -> None:
    """Its successor looks up what was created before it creates the rest."""

    async def load(portal: str) -> str:
        (tmp_path / str(os.getpid())).touch()
        return os.environ[f"HUBSPOT_{portal}"]

    def kill() -> None:
        while len(hubspot.requests) < 40:
            time.sleep(0.02)
        os.kill(int(next(tmp_path.iterdir()).name), signal.SIGKILL)

    killing = threading.Thread(target=kill)
    killing.start()
    told = write(
        tickets(10_000, subject="s"),
        "create",
        "tickets",
        portals=Portals(load=load, redis_env="REDIS_URL"),
        portal=62515,
        reconcile_by=UNIQUE,
        actors=1,
    ).take_all()
    killing.join()
    assert len([*tmp_path.iterdir()]) == 2
    made = hubspot.store.all("tickets")
    assert len({row["input_id"] for row in told}) == len(told) == 10_000
    assert len({record.properties[UNIQUE] for record in made}) == len(made) == 10_000
    # A record that HubSpot was still creating during the lookup is refused.
    refused = [row for row in told if row["status"] != "succeeded"]
    assert {row["category"] for row in refused} <= {"CONFLICT", "VALIDATION_ERROR"}
    assert len(refused) < 3_200


@pytest.mark.parametrize(
    ("verb", "options", "match"),
    [
        ("read", {}, "must be create, update, upsert or archive"),
        ("create", {}, "reconcile_by"),
        ("upsert", {}, "id_property"),
        ("archive", {}, 'No column "id"'),
        (
            "archive",
            {"id_column": UNIQUE, "actors": 0},
            "actors must be a positive int",
        ),
        ("archive", {"id_column": UNIQUE, "batch_size": 0.5}, "batch_size must be"),
    ],
)
def test_what_cannot_work_is_refused_before_anything_runs(
    hubspot: Simulator, verb: Any, options: dict[str, Any], match: str
) -> None:
    with pytest.raises(ConfigurationError, match=match):
        write(tickets(1), verb, "tickets", portals=portals(), portal=777, **options)
    assert not hubspot.requests


@pytest.mark.parametrize("kind", ["arrow", "numpy", "pandas on arrow"])
def test_times_without_a_zone_are_refused_before_anything_runs(
    hubspot: Simulator, kind: str
) -> None:
    seen = datetime(2026, 7, 1)  # noqa: DTZ001 -- the point of it
    table = pa.Table.from_pylist([{UNIQUE: "a", "other": [None], "seen": seen}])
    given = ray.data.from_arrow(table)
    if kind != "arrow":
        types = {"types_mapper": pd.ArrowDtype} if kind == "pandas on arrow" else {}
        given = ray.data.from_pandas(table.to_pandas(**types))
    with pytest.raises(ConfigurationError, match='"seen" have no time zone'):
        write(
            given,
            "upsert",
            "tickets",
            portals=portals(),
            portal=777,
            id_property=UNIQUE,
        )
    assert not hubspot.requests


def test_records_are_read_when_they_are_looked_at(hubspot: Simulator) -> None:
    ids = [hubspot.store.create("tickets", {"subject": "a"}).id for _ in range(20)]
    found = read(
        ray.data.from_items([{"id": one} for one in ids]),
        "tickets",
        portals=portals(),
        portal=62515,
        properties=["subject"],
    )
    assert not hubspot.requests
    rows = found.take_all()
    assert sorted(row["id"] for row in rows) == sorted(ids)
    assert {row["properties"]["subject"] for row in rows} == {"a"}


def test_all_records_of_portals_are_read_side_by_side(hubspot: Simulator) -> None:
    accounts = hubspot.apps.accounts
    made = {
        (str(portal), accounts[portal].store.create("tickets", {"subject": "a"}).id)
        for portal in (62515, 777)
        for _ in range(150)
    }
    listed = read_all(
        "tickets", portals=portals(), of=[62515, 777, "777"], properties=["subject"]
    )
    assert listed.count() == len(made)
    assert {(row["portal"], row["id"]) for row in listed.take_all()} == made


@pytest.mark.parametrize("options", [{"of": []}, {"of": [1], "properties": []}])
def test_nothing_to_list_is_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match="must name the p"):
        read_all("tickets", **{"portals": portals(), "properties": ["a"], **options})


def test_text_is_no_collection_of_portals() -> None:
    with pytest.raises(
        TypeError, match="of must be a collection of portals, not '777'"
    ):
        read_all("tickets", portals=portals(), of="777", properties=["subject"])


def test_examples_of_the_page_run(hubspot: Simulator, tmp_path: Path) -> None:
    """They run in their order, unchanged but for the folder."""
    rows = [
        {"portal": portal, "ref": f"R-{number}", "hs_ticket_priority": "HIGH"}
        for number in range(50)
        for portal in ("62515", "777")
    ]
    rows[7]["hs_ticket_priority"] = "very high"
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "tickets.parquet")
    text = PAGE.read_text(encoding="utf-8").replace("/data", str(tmp_path))
    names: dict[str, Any] = {}
    for example in re.findall(r"```python\n(.*?)```", text, re.DOTALL):
        exec(compile(example, str(PAGE), "exec"), names)  # noqa: S102 -- our own page
    assert names["outcomes"].count() == 100
    assert [row["ref"] for row in names["rest"].take_all()] == ["R-3"]
    assert names["some"].count() == 100
    assert pq.read_table(tmp_path / "copies").num_rows == 100
    assert hubspot.requests

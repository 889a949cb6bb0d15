"""`--property ALL`: every property that HubSpot defines."""

import csv

from pathlib import Path

import msgspec
import pytest

from hubbatch.simulator import Fault, Property, When

from .conftest import Shell


def defined(shell: Shell) -> list[str]:
    shelf = shell.sim.store.shelf("tickets")
    assert shelf is not None
    return [*shelf.type.properties]


def header(name: str) -> list[str]:
    with Path(name).open(encoding="utf-8", newline="") as file:
        return next(csv.reader(file))


@pytest.mark.parametrize("origin", [["ids.csv"], ["--all"], ["--where", "subject=s1"]])
def test_all_properties_become_columns(shell: Shell, origin: list[str]) -> None:
    ids = shell.tickets(2)
    shell.write("ids.csv", "id", *ids)

    done = shell("read", "tickets", *origin, "--property", "ALL", "-o", "out.csv")

    assert done.status == 0
    assert header("out.csv") == ["id", *defined(shell)]
    with Path("out.csv").open(encoding="utf-8", newline="") as file:
        subjects = {row["id"]: row["subject"] for row in csv.DictReader(file)}
    expected = {ids[0]: "s0", ids[1]: "s1"}
    if origin[0] == "--where":
        del expected[ids[0]]
    assert subjects == expected


def test_a_job_that_resumes_keeps_its_columns(shell: Shell) -> None:
    ids = shell.tickets(150)
    shell.write("ids.csv", "id", *ids)
    shell.sim.faults.add(Fault("status", status=401, when=When(verb="read", skip=1)))
    words = ["read", "tickets", "ids.csv", "--property", "ALL", "-o", "out.csv"]
    words += ["--journal", "run.db", "--max-concurrency", "1"]
    began = shell(*words)
    assert began.status == 3
    names = defined(shell)
    shell.sim.faults.clear()
    shell.sim.store.define("tickets", [Property("added_later")])

    done = shell(*words)

    assert done.status == 0
    with Path("out.csv").open(encoding="utf-8", newline="") as file:
        rows = [*csv.reader(file)]
    assert rows[0] == ["id", *names]
    assert sorted(row[0] for row in rows[1:]) == sorted(ids)


def test_all_includes_those_that_are_named_as_well(shell: Shell) -> None:
    [ticket] = shell.tickets(1)
    shell.write("ids.csv", "id", ticket)

    words = ["--property", "subject", "--property", "ALL", "-o", "out.jsonl"]
    done = shell("read", "tickets", "ids.csv", *words)

    assert done.status == 0
    record = msgspec.json.decode(Path("out.jsonl").read_bytes())
    assert record["properties"].keys() == {*defined(shell)}

"""`associate`, and `read --all`."""

import sqlite3

from datetime import datetime
from pathlib import Path

import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]
import pytest

from .conftest import Shell


def people(shell: Shell) -> tuple[list[str], str]:
    create = shell.sim.store.create
    ids = [create("contacts", {"email": f"{n}@x.example"}).id for n in range(3)]
    return ids, create("companies", {"name": "one"}).id


def linked(shell: Shell, firm: str) -> dict[str, set[tuple[str, int]]]:
    return shell.sim.store.links.linked(("0-2", firm), "0-1")


def test_associate_translates_ids(shell: Shell) -> None:
    ids, firm = people(shell)
    shell.write(
        "c.csv", "index,input_id,id,new", *(f"0,A{n},{ids[n]}," for n in (0, 1))
    )
    shell.write("f.csv", "index,input_id,id,new", f"0,F,{firm},")
    shell.write("p.csv", "person,firm", "A0,F", "A1,F", "A2,F")
    maps = ("--from-map", "c.csv", "--to-map", "f.csv")
    columns = ("--from-column", "person", "--to-column", "firm")
    words = ("associate", "contacts", "companies", "p.csv", *columns, *maps)

    done = shell(*words, "--failures", "bad.jsonl", "--journal", "run.db")

    assert done.status == 1
    assert done.lines[0] == (
        "Portal 62515: associate contacts and companies from p.csv, 3 rows"
    )
    assert {*linked(shell, firm)} == {*ids[:2]}
    assert "from: 'A2' has no new id in c.csv" in Path("bad.jsonl").read_text()
    assert shell.sent == [
        "/crm/associations/2026-03/contacts/companies/batch/associate/default"
    ]
    # Other results would give other pairs: that is another job.
    shell.write(
        "c.csv", "index,input_id,id,new", *(f"0,A{n},{ids[n]}," for n in range(3))
    )
    other = shell(*words, "--failures", "bad.jsonl", "--journal", "run.db")
    assert other.status == 2
    assert "from_map was" in other.err


def test_associate_with_a_label_and_take_it_off(shell: Shell) -> None:
    ids, firm = people(shell)
    number = shell.sim.store.define_label("contacts", "companies", "Buyer")
    shell.write("p.jsonl", f'{{"from": {ids[0]}, "to": {firm}}}')
    words = ("associate", "contacts", "companies", "p.jsonl")

    def labels() -> set[tuple[str, int]]:
        known = shell.sim.store.links.linked(("0-1", ids[0]), "0-2")
        return {spec for spec in known.get(firm, set()) if spec[0] == "USER_DEFINED"}

    assert shell(*words, "--label", "Buyer").status == 0
    assert labels() == {("USER_DEFINED", number)}
    assert shell(*words, "--type-id", str(number), "--remove").status == 0
    assert labels() == set()
    assert shell(*words).status == 0
    done = shell(*words, "--remove")
    assert done.lines[0].startswith("Portal 62515: separate contacts and companies")
    assert linked(shell, firm) == {}


def test_lines_that_were_read_can_be_upserted(shell: Shell) -> None:
    """By their unique values: the ids are those of another portal, or of long ago."""
    people(shell)
    read = ("read", "contacts", "--all", "--property", "email", "-o", "c.jsonl")
    assert shell(*read).status == 0
    words = ("upsert", "contacts", "c.jsonl", "--id-property", "email")

    done = shell(*words, "--results", "ids.csv")

    assert done.status == 0, done.err
    assert shell.sim.store.count("contacts") == 3
    assert "@x.example" in Path("ids.csv").read_text()


@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet"])
def test_a_type_without_a_record_breaks_no_chain(shell: Shell, kind: str) -> None:
    """Each command finishes, says that there was nothing to do, and is repeatable."""
    c, p = f"c.{kind}", f"p.{kind}"
    ids = "ids.jsonl" if kind == "jsonl" else "ids.csv"
    read = ("read", "companies", "--all", "--property", "domain", "-o", c)
    assert shell(*read).status == 0
    known = ("--results", ids, "--journal", "w.db", "--report", "w.html")
    maps = ("--from-map", ids, "--to-map", ids)
    kinds = ("companies", "companies")

    for words in (
        ("create", "companies", c, "--preflight", *known),
        ("create", "companies", c, "--preflight", *known),
        ("update", "companies", c),
        ("upsert", "companies", c, "--id-property", "domain"),
        ("associations", *kinds, c, "-o", p),
        ("associate", *kinds, p, *maps),
        ("archive", "companies", c),
    ):
        done = shell(*words, "--json")

        assert done.status == 0, done.err
        name = p if words[0] == "associate" else c
        assert f"warning: {name} has no rows: nothing to do" in done.err
        assert done.json["inputs"] == 0
    assert not [path for path in shell.sent if "objects" in path and "batch" in path]
    assert "Nothing is left to do" in Path("w.html").read_text()

    checked = shell("check", "companies", c, "--for", "create")
    assert checked.status == 0
    assert checked.lines[:2] == [
        "warning: NO_ROWS",
        "  there is nothing to send",
    ]


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (
            ("--label", "x"),
            (
                "No association type is 'x'. Choose one by its number: "
                "279 (no label), 1 (Primary)"
            ),
        ),
        (("--label", "x", "--type-id", "1"), "exclude each other: use one of them"),
        (
            ("--label", "x", "--label-column", "as"),
            "exclude each other: use one of them",
        ),
        (("--from-map", "none.csv"), "none.csv: No such file"),
    ],
)
def test_what_cannot_be_associated(
    shell: Shell, more: tuple[str, ...], words: str
) -> None:
    shell.write("p.csv", "from,to", "1,2")

    done = shell("associate", "contacts", "companies", "p.csv", *more)

    assert done.status == 2
    assert words in done.err


def test_associate_of_what_are_no_types(shell: Shell) -> None:
    shell.write("p.csv", "from,to", "1,2")
    for more in ((), ("--label", "x")):
        assert shell("associate", "a/b", "companies", "p.csv", *more).status == 2
    assert (
        shell("associate", "a", "b", "p.csv", "--dry-run", "--label", "x").status == 3
    )
    assert shell("associate", "a", "b", "p.csv", "--dry-run").status == 0


def test_labels_come_along(shell: Shell) -> None:
    """What `associations` has written `associate` takes, labels and all."""
    ids, firm = people(shell)
    number = shell.sim.store.define_label("contacts", "companies", "Buyer")
    shell.write("p.csv", "from,to,as", f"{ids[0]},{firm},Buyer", f"{ids[1]},{firm},")
    words = ("associate", "contacts", "companies", "--label-column")

    assert shell(*words, "as", "p.csv").status == 0
    shell.write("c.csv", "id", *ids)
    read = ("associations", "contacts", "companies", "c.csv", "-o", "pairs.csv")
    assert shell(*read).status == 0
    before = linked(shell, firm)
    shell("associate", "contacts", "companies", "pairs.csv", "--remove")
    assert linked(shell, firm) == {}
    assert shell(*words, "labels", "pairs.csv").status == 0
    assert linked(shell, firm) == before
    known = shell.sim.store.links.linked(("0-1", ids[0]), "0-2")[firm]
    assert ("USER_DEFINED", number) in known
    shell.write("p.csv", "from,to,as", f"{ids[0]},{firm},Seller")
    refused = shell(*words, "as", "p.csv")
    assert refused.status == 2
    assert "row 1 (line 2): no single association type has the label" in refused.err


def test_read_all(shell: Shell) -> None:
    ids = shell.tickets(120)
    words = ("read", "tickets", "--all", "--property", "subject", "-o", "all.csv")

    done = shell(*words, "--journal", "run.db", "--report", "r.html", "--json")

    assert done.status == 0
    assert done.lines[0] == "Portal 62515: read all tickets"
    told = done.json
    assert (told["succeeded"], told["requests"]) == (120, 2)
    assert len(Path("all.csv").read_text().splitlines()) == 121
    assert "120" in Path("r.html").read_text()
    again = shell(*words, "--journal", "run.db")
    assert "nothing was sent" in again.err
    shell.sim.store.archive("tickets", ids[0])
    archived = ("read", "tickets", "--all", "--archived", "-o", "old.jsonl")
    assert shell(*archived).status == 0
    assert len(Path("old.jsonl").read_text().splitlines()) == 1


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ((), "SOURCE is missing: name a file, or use --all"),
        (("t.csv", "--all"), "--all takes no SOURCE"),
        (("t.csv", "--archived"), "--archived needs --all"),
        (("--all", "--results", "r.csv"), "--all takes no --results"),
        (("--all", "--dry-run"), "--all takes no --dry-run"),
        (("--all", "--id-property", "x"), "--all takes no --id-property"),
    ],
)
def test_what_read_cannot_be_told(
    shell: Shell, more: tuple[str, ...], words: str
) -> None:
    done = shell("read", "tickets", *more, "-o", "all.jsonl")

    assert done.status == 2
    assert words in done.err


def test_parquet_in_and_out(shell: Shell) -> None:
    """What was read can be sent back; a file that is there is left alone."""
    ids = shell.tickets(3)
    words = ("read", "tickets", "--all", "--property", "subject", "-o", "all.parquet")

    assert shell(*words, "--journal", "run.db").status == 0
    assert not Path("all.parquet.jsonl").exists()
    assert "nothing was sent" in shell(*words, "--journal", "run.db").err
    assert "exists already" in shell(*words).err
    # As it is: nothing is in it that an update would not take.
    assert shell("check", "tickets", "all.parquet").status == 0
    done = shell("update", "tickets", "all.parquet", "--property", "subject=content")

    assert done.status == 0
    stored = [shell.sim.store.get("tickets", one) for one in ids]
    assert {one.properties["content"] for one in stored if one} == {"s0", "s1", "s2"}


def test_a_parquet_file_whose_times_have_no_zone(shell: Shell) -> None:
    """Nothing is sent before somebody says which zone it is."""
    [ticket] = shell.tickets(1)
    noon = pa.array([datetime.fromisoformat("2026-05-31T12:00")])
    pq.write_table(pa.table({"id": [ticket], "closed_date": noon}), "t.parquet")
    words = ("update", "tickets", "t.parquet")

    for refused in (
        shell(*words),
        shell(*words, "--dry-run"),
        shell("check", *words[1:]),
    ):
        assert refused.status == 2
        assert 'column "closed_date" have no time zone' in refused.err
    assert "Unknown time zone 'Mars'" in shell(*words, "--timezone", "Mars").err
    assert shell.sent == ["/crm/v3/properties/tickets"]  # which `check` asked
    assert shell(*words, "--timezone", "Europe/Berlin").status == 0
    stored = shell.sim.store.get("tickets", ticket)
    assert stored is not None
    assert stored.properties["closed_date"].startswith("2026-05-31T10:00:00")


def test_rows_of_a_database(shell: Shell) -> None:
    [ticket] = shell.tickets(1)
    with sqlite3.connect("old.db") as connection:
        connection.execute("CREATE TABLE t AS SELECT ? AS id, 'new' AS s", (ticket,))
    connection.close()

    query = ("--query", "SELECT id, s AS subject FROM t ORDER BY id")
    assert shell("update", "tickets", "old.db", *query).status == 0
    stored = shell.sim.store.get("tickets", ticket)
    assert stored is not None
    assert stored.properties["subject"] == "new"
    assert shell("update", "tickets", "old.db").status == 2


def test_associations_are_read_pair_by_pair(shell: Shell) -> None:
    """With their labels; who has none is no failure."""
    ids, firm = people(shell)
    shell.sim.store.define_label("contacts", "companies", "Buyer")
    shell.write("p.csv", "from,to", f"{ids[0]},{firm}")
    shell("associate", "contacts", "companies", "p.csv", "--label", "Buyer")
    shell.write("p.csv", "from,to", f"{ids[1]},{firm}")
    shell("associate", "contacts", "companies", "p.csv")
    shell.write("c.csv", "id", *ids)
    words = ("associations", "contacts", "companies", "c.csv", "-o")

    done = shell(*words, "pairs.csv")

    assert done.status == 0
    assert done.lines[0] == (
        "Portal 62515: read associations of contacts with companies from c.csv, 3 rows"
    )
    header, *rows = Path("pairs.csv").read_text().splitlines()
    assert header == "from_id,to_id,labels"
    assert sorted(rows) == sorted([f"{ids[0]},{firm},Buyer", f"{ids[1]},{firm},"])
    assert shell(*words, "pairs.jsonl").status == 0
    assert '"labels":"Buyer"' in Path("pairs.jsonl").read_text()
    assert shell(*words, "pairs.txt").status == 2
    assert shell(*words, "pairs.parquet").status == 0
    assert shell("associate", "contacts", "companies", "pairs.parquet").status == 0

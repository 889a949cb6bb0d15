"""Files of every kind, from the file through the command's process to the store."""

import csv
import gzip
import json
import subprocess

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]
import pytest

from hubbatch.simulator import Fault, When
from tests.processes import untraced

from .conftest import Shell
from .processes import HUBBATCH


HEADER = ["id", "subject", "hs_ticket_priority"]
Rows = list[list[str]]


def run(*words: str) -> subprocess.CompletedProcess[str]:
    """Run the command as a process of its own."""
    return subprocess.run(  # noqa: S603 -- our own command
        [*HUBBATCH, *words], capture_output=True, text=True, check=False, env=untraced()
    )


def cells(delimiter: str, encoding: str = "utf-8", first: str = "") -> Any:
    def write(path: Path, rows: Rows) -> None:
        with path.open("w", encoding=encoding, newline="") as file:
            file.write(first)
            csv.writer(file, delimiter=delimiter).writerows([HEADER, *rows])

    return write


def write_json(path: Path, rows: Rows) -> None:
    path.write_text(json.dumps([dict(zip(HEADER, row, strict=True)) for row in rows]))


def write_shaped(path: Path, rows: Rows) -> None:
    items = [
        {"id": row[0], "properties": dict(zip(HEADER[1:], row[1:], strict=True))}
        for row in rows
    ]
    path.write_text(json.dumps(items, indent=1, ensure_ascii=False), "utf-8")


def write_lines(path: Path, rows: Rows) -> None:
    lines = [json.dumps(dict(zip(HEADER, row, strict=True))) for row in rows]
    path.write_text("\n".join(lines))


def write_xlsx(path: Path, rows: Rows) -> None:
    book = openpyxl.Workbook()
    assert book.active is not None
    book.active.append(HEADER)
    for record_id, *rest in rows:
        book.active.append([float(record_id), *rest])
    book.save(path)


def write_parquet(path: Path, rows: Rows) -> None:
    columns = dict(zip(HEADER, map(list, zip(*rows, strict=True)), strict=True))
    pq.write_table(pa.table(columns), path)


FILES: dict[str, tuple[str, Callable[[Path, Rows], None], list[str]]] = {
    "commas": ("t.csv", cells(","), []),
    "semicolons": ("t.csv", cells(";"), []),
    "pipes": ("t.csv", cells("|"), []),
    "a declared delimiter": ("t.csv", cells("^", first="sep=^\r\n"), []),
    "tabs": ("t.tsv", cells("\t"), []),
    "tabs in a .csv": ("t.csv", cells("\t"), []),
    "Windows": ("t.csv", cells(";", "cp1252"), ["--encoding", "cp1252"]),
    "UTF-16": ("t.csv", cells("\t", "utf-16"), ["--encoding", "utf-16"]),
    "an array": ("t.json", write_json, []),
    "an array in HubSpot's shape": ("t.json", write_shaped, []),
    "lines": ("t.jsonl", write_lines, []),
    "Excel": ("t.xlsx", write_xlsx, []),
    "Parquet": ("t.parquet", write_parquet, []),
}


@pytest.mark.parametrize("kind", FILES)
def test_a_file_of_any_kind_is_checked_sent_and_resumed(
    shell: Shell, kind: str
) -> None:
    name, write, options = FILES[kind]
    ids = shell.tickets(120)
    rows = [[one, f"Größe; {n}, €", "HIGH"] for n, one in enumerate(ids)]
    write(Path(name), rows)
    source = ("update", "tickets", name, *options)

    checked = shell("check", "tickets", name, *options, "--for", "update")
    assert (checked.status, "120 rows: 0 would be" in checked.err) == (0, True)
    rehearsed = shell(*source, "--dry-run")
    assert (rehearsed.status, "120 rows, 0 inv" in rehearsed.err) == (0, True)
    fault = Fault("status", status=401, times=None, when=When(verb="update", skip=1))
    shell.sim.faults.add(fault)
    assert shell(*source, "--journal", "j.db", "--max-concurrency", "1").status == 3
    shell.sim.faults.clear()
    resumed = run(*source, "--journal", "j.db", "--json")
    assert resumed.returncode == 0, resumed.stderr

    told = json.loads(resumed.stdout.splitlines()[-1])
    assert (told["inputs"], told["succeeded"]) == (120, 120)
    assert_stored(shell, rows)
    write(Path(name), rows[:-1])
    changed = shell(*source, "--journal", "j.db")
    assert (changed.status, "content of the source" in changed.err) == (2, True)


@pytest.mark.parametrize("kind", ["semicolons", "an array", "Excel", "Parquet"])
def test_a_compressed_file_is_read_like_any_other(shell: Shell, kind: str) -> None:
    name, write, _ = FILES[kind]
    rows = [[one, f"Größe {n}", "HIGH"] for n, one in enumerate(shell.tickets(3))]
    write(Path(name), rows)
    packed = f"{name}.GZ" if kind == "Excel" else f"{name}.gz"
    Path(packed).write_bytes(gzip.compress(Path(name).read_bytes()))

    done = shell("update", "tickets", packed, "--journal", "j.db")

    assert done.status == 0, done.err
    assert_stored(shell, rows)


def assert_stored(shell: Shell, rows: Rows) -> None:
    for record_id, subject, priority in rows:
        stored = shell.sim.store.get("tickets", record_id)
        assert stored is not None
        assert stored.properties["subject"] == subject
        assert stored.properties["hs_ticket_priority"] == priority


def test_a_wrong_encoding_names_the_line_and_the_option(shell: Shell) -> None:
    cells(";", "cp1252")(Path("t.csv"), [["1", "plain", "LOW"], ["2", "Größe", "LOW"]])

    done = run("update", "tickets", "t.csv")

    assert (done.returncode, done.stderr) == (
        2,
        (
            "error: t.csv: row 2 (line 3): not UTF-8 (byte 5 of the line is 0xf6). Use "
            "--encoding cp1252.\n"
        ),
    )
    assert not shell.sent


def test_an_uncertain_delimiter_is_not_guessed(shell: Shell) -> None:
    shell.write("t.csv", "id;price, net", "7;1,5", "8;2,5")

    done = run("update", "tickets", "t.csv")

    assert (done.returncode, done.stderr) == (
        2,
        (
            "error: t.csv: the columns may be separated by commas or semicolons, and "
            "the first rows fit each of them. Use --delimiter ,.\n"
        ),
    )


def test_an_id_column_of_an_export_is_suggested_in_quotes(shell: Shell) -> None:
    [ticket] = shell.tickets(1)
    shell.write("t.csv", "Record ID,Owner ID,subject", f"{ticket},9,new")

    done = run("update", "tickets", "t.csv", "--property", "subject")

    assert done.returncode == 2
    assert done.stderr == (
        'error: t.csv: no column "id" (has: Record ID, Owner ID, subject). Use '
        "--id-column 'Record ID'.\n"
    )
    followed = run(
        *("update", "tickets", "t.csv", "--property", "subject"),
        *("--id-column", "Record ID"),
    )
    assert followed.returncode == 0
    stored = shell.sim.store.get("tickets", ticket)
    assert stored is not None
    assert stored.properties["subject"] == "new"


def test_times_of_excel_need_a_zone(shell: Shell) -> None:
    [ticket] = shell.tickets(1)
    book = openpyxl.Workbook()
    assert book.active is not None
    noon = datetime(2026, 1, 31, 12)  # noqa: DTZ001 -- as Excel has it
    book.active.append(["id", "closed_date"])
    book.active.append([int(ticket), noon])
    book.save("t.xlsx")

    refused = run("update", "tickets", "t.xlsx")
    assert refused.returncode == 2
    assert "has no time zone. Use --timezone Europe/Berlin." in refused.stderr
    done = run("update", "tickets", "t.xlsx", "--timezone", "Europe/Berlin")

    assert done.returncode == 0, done.stderr
    stored = shell.sim.store.get("tickets", ticket)
    assert stored is not None
    assert stored.properties["closed_date"] == "2026-01-31T11:00:00Z"


# ---- rows to fix in a spreadsheet


def read_cells(path: str, encoding: str = "utf-8-sig") -> list[list[str]]:
    with Path(path).open(encoding=encoding, newline="") as file:
        return [*csv.reader(file)]


@pytest.mark.parametrize("ending", [".csv", ".xlsx"])
def test_failures_as_a_table_are_fixed_in_a_spreadsheet_and_sent_again(
    shell: Shell, ending: str
) -> None:
    ids = shell.tickets(5)
    rows = [[one, f"Größe {n}", "HIGH"] for n, one in enumerate(ids)]
    rows[1][2] = rows[3][2] = "no such"
    write = write_xlsx if ending == ".xlsx" else cells(";")
    write(Path(f"t{ending}"), rows)

    done = run("update", "tickets", f"t{ending}", "--failures", "f.csv")

    assert done.returncode == 1, done.stderr
    assert "`hubbatch replay f.csv` sends them again." in done.stderr
    assert Path("f.csv").read_bytes().startswith(b"\xef\xbb\xbf")  # for Excel
    header, *failed = read_cells("f.csv")
    assert header == [*HEADER, "reason", "hubbatch"]
    assert sorted(row[:3] for row in failed) == sorted([rows[1], rows[3]])
    assert all("hs_ticket_priority" in row[3] for row in failed)

    # As a German Excel saves it, with the columns in another order.
    fixed = [
        [row[4], row[3], row[1], row[0], "LOW" if row[0] == ids[1] else row[2]]
        for row in failed
    ]
    with Path("f.csv").open("w", encoding="cp1252", newline="") as file:
        csv.writer(file, delimiter=";").writerows(
            [["hubbatch", "reason", "subject", "id", "hs_ticket_priority"], *fixed]
        )
    wrong = run("replay", "f.csv")
    assert (wrong.returncode, "Use --encoding cp1252." in wrong.stderr) == (2, True)
    again = run("replay", "f.csv", "--encoding", "cp1252", "--failures", "g.csv")

    assert again.returncode == 1, again.stderr
    stored = shell.sim.store.get("tickets", ids[1])
    assert stored is not None
    assert stored.properties["subject"] == "Größe 1"
    assert stored.properties["hs_ticket_priority"] == "LOW"
    header, *left = read_cells("g.csv")
    assert header == ["subject", "id", "hs_ticket_priority", "reason", "hubbatch"]
    assert [row[:3] for row in left] == [["Größe 3", ids[3], "no such"]]


def test_the_table_keeps_the_options_of_the_job(shell: Shell) -> None:
    shell.write(
        "t.csv",
        "E-Mail,Vorname,reason,unused",
        "ada@x.com,Ada,asked,x",
        "not an address,Bob,,y",
    )
    options = ("--id-property", "email", "--id-column", "E-Mail")
    done = run(
        *("upsert", "contacts", "t.csv", *options, "--property", "Vorname=firstname"),
        *("--property", "E-Mail=email", "--failures", "f.csv"),
    )
    assert done.returncode == 1, done.stderr
    header, row = read_cells("f.csv")
    assert header == [
        *("E-Mail", "Vorname", "reason", "unused"),
        *("hubbatch_reason", "hubbatch"),
    ]
    assert row[:4] == ["not an address", "Bob", "", "y"]
    text = Path("f.csv").read_text("utf-8-sig").replace("not an address", "bob@x.com")
    Path("f.csv").write_text(text, "utf-8")

    again = run("replay", "f.csv")

    assert again.returncode == 0, again.stderr
    names = sorted(
        (one.properties["email"], one.properties["firstname"])
        for one in shell.sim.store.all("contacts")
    )
    assert names == [("ada@x.com", "Ada"), ("bob@x.com", "Bob")]


def test_added_columns_are_not_sent_as_properties(shell: Shell) -> None:
    """A fixed table can be sent like any other file too."""
    [ticket] = shell.tickets(1)
    shell.write("t.csv", "id,subject,hs_ticket_priority", f"{ticket},a,no such")
    assert run("update", "tickets", "t.csv", "--failures", "f.csv").returncode == 1
    text = Path("f.csv").read_text("utf-8-sig").replace(",no such,", ",LOW,", 1)
    Path("f.csv").write_text(text, "utf-8")

    done = run("update", "tickets", "f.csv")

    assert done.returncode == 0, done.stderr
    stored = shell.sim.store.get("tickets", ticket)
    assert stored is not None
    assert stored.properties["hs_ticket_priority"] == "LOW"
    assert "reason" not in stored.properties


def test_creates_in_doubt_are_looked_up_before_they_are_sent_again(
    shell: Shell,
) -> None:
    shell.write("t.csv", "subject,hs_external_object_ids", "a,A-1")
    shell.sim.faults.add(Fault("drop_after_commit", when=When(verb="create")))
    done = run("create", "tickets", "t.csv", "--failures", "f.csv", "--max-failures=9")
    assert done.returncode in (1, 3), done.stderr

    refused = run("replay", "f.csv")
    assert refused.returncode == 2
    assert "Use --reconcile-by NAME." in refused.stderr
    again = run("replay", "f.csv", "--reconcile-by", "hs_external_object_ids")

    assert again.returncode == 0, again.stderr
    assert shell.sim.store.count("tickets") == 1


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("replay", "t.csv"), 't.csv: no column "hubbatch", so this is not a table of'),
        (
            ("replay", "broken.csv"),
            'row 1 (line 2): its column "hubbatch" was changed.',
        ),
        (("replay", "two.csv"), "a line of contacts.update, but the first line is of"),
        (
            ("update", "tickets", "t.jsonl", "--failures", "f.csv"),
            "f.csv: only the rows of a .csv, .tsv or .xlsx with records can be written",
        ),
        (
            ("associate", "contacts", "companies", "t.csv", "--failures", "f.csv"),
            "f.csv: only the rows of a .csv, .tsv or .xlsx with records can be written",
        ),
    ],
)
def test_what_is_not_a_table_of_rows_to_fix(
    shell: Shell, words: tuple[str, ...], message: str
) -> None:
    shell.write("t.csv", "id,subject", "1,x")
    shell.write("t.jsonl", '{"id": 1, "subject": "x"}')
    shell.write("broken.csv", "id,reason,hubbatch", "1,,x")
    calls = [
        json.dumps({"operation": "update", "object_type": kind}).replace('"', '""')
        for kind in ("tickets", "contacts")
    ]
    shell.write("two.csv", "id,a,hubbatch", *(f'1,x,"{call}"' for call in calls))

    done = run(*words)

    assert done.returncode == 2
    assert message in done.stderr
    assert not shell.sent

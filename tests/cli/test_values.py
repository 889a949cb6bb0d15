"""Values from a file, through the command's own process, into HubSpot's store."""

import subprocess

from pathlib import Path

import msgspec
import pytest

from hubbatch.simulator import Property
from tests.processes import untraced

from .conftest import Done, Shell
from .processes import HUBBATCH, terminal


pytestmark = pytest.mark.slow

NOON = "2026-01-01T12:00:00Z"


def run(*words: str) -> Done:
    """Run a command as a process of its own."""
    done = subprocess.run(  # noqa: S603 -- our own command
        [*HUBBATCH, *words],
        capture_output=True,
        text=True,
        env=untraced(),
        check=False,
        timeout=120,
    )
    assert "Traceback" not in done.stderr
    return Done(done.returncode, done.stdout, done.stderr)


def findings(done: Done) -> list[tuple[str, str | None, bool, int]]:
    """Return what a check found, from --json."""
    return [
        (one["code"], one["property"], one["certain"], one["rows"])
        for one in done.json["findings"]
    ]


def contact(shell: Shell, **properties: str) -> str:
    return shell.sim.store.create("contacts", properties).id


def stored(shell: Shell, record_id: str, name: str) -> str | None:
    record = shell.sim.store.get("contacts", record_id)
    assert record is not None
    return record.properties.get(name)


def source(shell: Shell, kind: str, record_id: str, name: str, value: str) -> str:
    """Write a file with one row."""
    if kind == "csv":
        return shell.write("c.csv", f"id,{name}", f"{record_id},{value}")
    line = msgspec.json.encode({"id": record_id, name: value}).decode()
    return shell.write("c.jsonl", line)


@pytest.fixture(autouse=True)
def numbers(shell: Shell) -> None:
    own = [Property("size", "number"), Property("ref", "number", unique=True)]
    shell.sim.store.define("contacts", own)


# ---- times


@pytest.mark.parametrize(
    ("kind", "local"),
    [("csv", "2026-01-01 13:00"), ("jsonl", "2026-01-01T13:00:00")],
)
def test_a_time_without_a_zone_is_sent_only_with_one(
    shell: Shell, kind: str, local: str
) -> None:
    record_id = contact(shell)
    path = source(shell, kind, record_id, "closedate", local)

    refused = run("update", "contacts", path, "--failures", "f.jsonl")

    assert refused.status == 1
    assert "  1 x INVALID_INPUT closedate" in refused.lines
    assert stored(shell, record_id, "closedate") is None
    assert findings(shell("check", "contacts", path, "--json")) == [
        ("INVALID_INPUT", "closedate", True, 1)
    ]

    zone = ("--timezone", "Europe/Berlin")
    assert shell("check", "contacts", path, *zone).status == 0
    assert run("update", "contacts", path, *zone).status == 0
    assert stored(shell, record_id, "closedate") == NOON

    # The file of failures has the time as it was, and a zone can still be named.
    assert run("replay", "f.jsonl", "--failures", "g.jsonl").status == 1
    assert run("replay", "g.jsonl", "--timezone", "UTC").status == 0
    assert stored(shell, record_id, "closedate") == "2026-01-01T13:00:00Z"


def test_a_job_is_resumed_with_the_zone_it_began_with(shell: Shell) -> None:
    path = source(shell, "csv", contact(shell), "closedate", "2026-01-01 13:00")
    words = ("update", "contacts", path, "--journal", "run.db", "--timezone")

    assert run(*words, "Europe/Berlin").status == 0
    other = run(*words, "UTC")

    assert other.status == 2
    assert "timezone was Europe/Berlin and is UTC" in other.lines[0]


def test_text_that_looks_like_a_time_is_sent_as_it_is_on_request(shell: Shell) -> None:
    record_id = contact(shell)
    path = source(shell, "csv", record_id, "firstname", "2026-01-01 13:00")

    warned = shell("check", "contacts", path, "--timezone", "UTC", "--json")
    assert findings(warned) == [("TIME_IN_TEXT", "firstname", False, 1)]
    assert run("update", "contacts", path).status == 1
    assert run("update", "contacts", path, "--timezone", "as-is").status == 0

    assert stored(shell, record_id, "firstname") == "2026-01-01 13:00"


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        ("1767268800", "UNLIKELY_TIME", "seconds since 1970 (2026-01-01)"),
        ("46023", "UNLIKELY_TIME", "a spreadsheet's day number (2026-01-01)"),
        ("0001-01-01T00:00:00Z", "UNLIKELY_TIME", "0001-01-01 00:00 UTC"),
        ("9999-12-31T23:59:59Z", "UNLIKELY_TIME", "9999-12-31 23:59 UTC"),
        ("2026-01-01", "NO_TIME_ZONE", "HubSpot reads it as UTC"),
    ],
)
def test_a_time_that_hubspot_accepts_but_reads_otherwise_is_warned_about(
    shell: Shell, text: str, code: str, words: str
) -> None:
    record_id = contact(shell)
    path = source(shell, "csv", record_id, "closedate", text)

    warned = shell("check", "contacts", path)
    sent = run("update", "contacts", path, "--preflight")

    assert warned.status == 0
    assert warned.lines[0] == f"warning: {code} closedate, 1 row"
    assert words in warned.lines[1]
    assert sent.status == 0
    assert sent.lines[:2] == warned.lines[:2]  # the preflight says so too
    assert stored(shell, record_id, "closedate") is not None


# ---- checkboxes


@pytest.mark.parametrize(
    ("line", "options", "after"),
    [
        ('{"id": "ID", "hs_buying_role": ["", "BLOCKER"]}', (), "BLOCKER"),
        ('{"id": "ID", "hs_buying_role": ["BLOCKER", ""]}', (), "BLOCKER"),
        ('{"id": "ID", "hs_buying_role": []}', (), None),
        (
            '{"id": "ID", "hs_buying_role": ["BLOCKER"]}',
            ("--append", "hs_buying_role"),
            "CHAMPION;BLOCKER",
        ),
        (
            '{"id": "ID", "hs_buying_role": "BLOCKER;;CHAMPION"}',
            ("--append", "hs_buying_role"),
            "CHAMPION;BLOCKER",
        ),
        (
            '{"id": "ID", "properties": {"hs_buying_role": "BLOCKER"}}',
            ("--append", "hs_buying_role"),
            "CHAMPION;BLOCKER",
        ),
        (
            '{"id": "ID", "roles": "BLOCKER"}',
            ("--append", "roles", "--property", "roles=hs_buying_role"),
            "CHAMPION;BLOCKER",
        ),
    ],
)
def test_options_are_added_on_request_only(
    shell: Shell, line: str, options: tuple[str, ...], after: str | None
) -> None:
    record_id = contact(shell, hs_buying_role="CHAMPION")
    path = shell.write("c.jsonl", line.replace("ID", record_id))

    assert findings(shell("check", "contacts", path, *options, "--json")) == []
    assert run("update", "contacts", path, *options).status == 0

    assert stored(shell, record_id, "hs_buying_role") == after


def test_a_cell_that_begins_with_a_semicolon_is_reported(shell: Shell) -> None:
    record_id = contact(shell, hs_buying_role="CHAMPION")
    path = source(shell, "csv", record_id, "hs_buying_role", ";BLOCKER")

    found = findings(shell("check", "contacts", path, "--json"))
    asked = ("--append", "hs_buying_role")

    assert found == [("ADDED_OPTIONS", "hs_buying_role", False, 1)]
    assert findings(shell("check", "contacts", path, *asked, "--json")) == []
    assert run("update", "contacts", path, *asked).status == 0
    assert stored(shell, record_id, "hs_buying_role") == "CHAMPION;BLOCKER"


def test_an_empty_cell_adds_nothing_and_clears_nothing(shell: Shell) -> None:
    record_id = contact(shell, hs_buying_role="CHAMPION", firstname="A")
    path = shell.write("c.csv", "id,hs_buying_role,firstname", f"{record_id},,")

    asked = ("--append", "hs_buying_role", "--empty", "clear")
    assert run("update", "contacts", path, *asked).status == 0

    assert stored(shell, record_id, "hs_buying_role") == "CHAMPION"
    assert stored(shell, record_id, "firstname") is None


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (("--append", "no"), '"no" is a column of --append, but it is not sent'),
        (
            ("--append", "email", "--property", "firstname"),
            '"email" is a column of --append, but it is not sent',
        ),
    ],
)
def test_a_column_to_add_has_to_be_sent(
    shell: Shell, options: tuple[str, ...], problem: str
) -> None:
    path = shell.write("c.csv", "id,firstname,email", "1,A,a@b.example")

    done = run("update", "contacts", path, *options)

    assert done.status == 2
    assert problem in done.lines[0]


# ---- what HubSpot refuses


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("size", "4,68", "INVALID_INTEGER"),
        ("size", "1E+05", "INVALID_INTEGER"),
        ("size", "+5", "INVALID_INTEGER"),
        ("size", "NULL", "INVALID_INTEGER"),
        ("hs_lead_status", "new", "INVALID_OPTION"),
        ("email", "a@b.con", "INVALID_EMAIL"),
    ],
)
def test_an_error_of_the_check_is_refused_by_hubspot(
    shell: Shell, name: str, value: str, code: str
) -> None:
    record_id = contact(shell)
    path = source(shell, "csv", record_id, name, f'"{value}"')

    assert findings(shell("check", "contacts", path, "--json")) == [
        (code, name, True, 1)
    ]
    assert shell("update", "contacts", path, "--preflight").status == 1
    sent = run("update", "contacts", path)

    assert sent.status == 1
    assert f"  1 x {code} {name}" in sent.lines
    assert stored(shell, record_id, name) is None


@pytest.mark.parametrize(
    ("by", "value", "code"),
    [("email", "a@b.con", "INVALID_EMAIL"), ("ref", "4,68", "INVALID_INTEGER")],
)
def test_the_key_is_checked_like_any_value(
    shell: Shell, by: str, value: str, code: str
) -> None:
    path = shell.write("c.csv", f"{by},firstname", f'"{value}",A')
    words = ("contacts", path, "--id-property", by)

    assert findings(shell("check", *words, "--json")) == [(code, by, True, 1)]
    assert run("upsert", *words).status == 1
    assert shell.sim.store.count("contacts") == 0
    # A record that is only looked up does not exist.
    read = shell("check", *words, "--for", "read", "--json")
    assert findings(read) == [(code, by, False, 1)]


def test_what_a_spreadsheet_or_database_wrote_is_warned_about(shell: Shell) -> None:
    values = ["NULL", r"\N", "#N/A", "nan", "None", "3.36E+10"]
    phones = {contact(shell): value for value in values}
    rows = [f"{record_id},{value}" for record_id, value in phones.items()]
    path = shell.write("c.csv", "id,phone", *rows)

    warned = shell("check", "contacts", path, "--json")

    assert (warned.status, findings(warned)) == (0, [("ARTIFACT", "phone", False, 6)])
    assert run("update", "contacts", path).status == 0
    assert {key: stored(shell, key, "phone") for key in phones} == phones


# ---- the file of refused rows


@pytest.mark.parametrize("ending", ["csv", "jsonl"])
def test_refused_rows_can_be_corrected_and_sent(shell: Shell, ending: str) -> None:
    """All of them are written, and the file says why."""
    rows = [f"{n},p{n}@b.{'con' if n % 2 else 'example'},ü" for n in range(5_000)]
    path = shell.write("c.csv", "Internal,email,firstname", *rows)
    words = (path, "--id-property", "email", "--property", "firstname")

    done = shell("check", "contacts", *words, "--output", f"bad.{ending}")

    assert done.status == 1
    assert done.lines[0] == "error: INVALID_EMAIL email, 2,500 rows"
    assert done.lines[6] == "  … and 2,495 more rows"
    assert done.lines[-1] == (
        f"bad.{ending} has 2,500 rows that would be refused, each with the reason. "
        f"Correct them, and send them with hubbatch replay bad.{ending} --account ID."
    )
    written = Path(f"bad.{ending}")
    assert written.stat().st_mode & 0o777 == 0o600
    content = written.read_text("utf-8")
    assert content.count("is not an e-mail address that HubSpot accepts") == 2_500
    if ending == "csv":
        columns = "Internal,email,firstname,reason,hubbatch"
        assert content.removeprefix("\ufeff").splitlines()[0] == columns
    written.write_text(content.replace("@b.con", "@b.example"), "utf-8")
    assert run("replay", str(written), "--account", "62515").status == 0
    assert shell.sim.store.count("contacts") == 2_500


def test_a_refused_row_is_corrected_and_its_options_still_added(shell: Shell) -> None:
    record_id = contact(shell, hs_buying_role="CHAMPION")
    row = f"{record_id},nobody,BLOCKER"
    path = shell.write("c.csv", "id,email,hs_buying_role", row)

    asked = ("--append", "hs_buying_role", "--output", "bad.csv")
    assert shell("check", "contacts", path, *asked).status == 1
    fixed = Path("bad.csv").read_text("utf-8").replace(",nobody,", ",a@b.example,")
    Path("bad.csv").write_text(fixed, "utf-8")
    assert run("replay", "bad.csv", "--account", "62515").status == 0

    assert stored(shell, record_id, "hs_buying_role") == "CHAMPION;BLOCKER"


def test_an_output_is_not_overwritten(shell: Shell) -> None:
    path = shell.write("c.csv", "id,firstname", "x,A")
    shell.write("bad.csv", "mine")

    done = shell("check", "contacts", path, "--output", "bad.csv")

    assert (done.status, Path("bad.csv").read_text("utf-8")) == (2, "mine\n")
    assert done.lines == [
        "error: bad.csv exists already: delete it, or name another file."
    ]
    [line] = shell("check", "contacts", path, "--output", "bad.txt").lines
    assert line.startswith("error: bad.txt: failures must be ")


def test_a_check_in_a_terminal(shell: Shell) -> None:
    path = shell.write("c.csv", "id,phone", *(f"{n},#N/A" for n in range(20_000)))

    with terminal("check", "contacts", path) as shown:
        said = shown.read()
        assert shown.process.wait() == 0

    assert "Checking c.csv" in said
    assert "… and 19,999 more rows" in said

"""What HubSpot or a file says never acts on the terminal, nor in a report."""

import html
import re
import subprocess

from pathlib import Path

import msgspec
import pytest

from hubbatch.simulator import Fault, When
from tests.processes import untraced

from .conftest import Shell
from .processes import HUBBATCH, OWN_SEQUENCES, terminal


# Colors, clear the screen, the title of the window, a bell, back to the start of the
# line, eight bit controls, another direction, no width, and rich's markup.
EVIL = (
    "\x1b[31m\x1b[2J\x1b]0;owned\x07\rok\x9b2J\u202e\u2066\u200b\ufeff[red][/][/nope]"
)
SHOWN = (
    r"\x1b[31m\x1b[2J\x1b]0;owned\x07\rok\x9b2J\u202e\u2066\u200b\ufeff[red][/][/nope]"
)
# Bytes that are not UTF-8, in the name of a file.
FILE = "t\x1b[2J\u202e\udce9[red].csv"
FILE_SHOWN = r"t\x1b[2J\u202e\udce9[red].csv"
UPSERT = ("upsert", "tickets", FILE, "--id-property", "hs_external_object_ids")
REFUSAL = {
    "status": "error",
    "category": f"VALIDATION_ERROR{EVIL}",
    "message": f"No: {EVIL}",
    "correlationId": f"c{EVIL}",
    "errors": [{"message": f"One: {EVIL}", "code": f"BAD{EVIL}"}],
}


def table(shell: Shell) -> None:
    shell.write(
        "t.csv",
        f"hs_external_object_ids,subject,hs_ticket_priority,x{EVIL}".replace("\r", ""),
        f"A-1,fine {EVIL},HIGH,".replace("\r", " "),
        f"A-2,fine,{EVIL},".replace("\r", " "),
        "A-3,fine,HIGH,value",
    )
    Path("t.csv").rename(FILE)


def on_terminal(*words: str, columns: int = 1_000) -> str:
    """Run a command on a terminal; return what it shows without our own sequences."""
    with terminal(*words, columns=columns) as shown:
        said = shown.read().replace("\r\n", "\n")
        shown.process.wait(60)
    said = re.sub(OWN_SEQUENCES, "", said)
    # A status line is drawn over by the next one.
    left = {one for one in said if not one.isprintable()} - {"\n", "\r"}
    assert not left, said
    assert "\r" not in re.sub(r"\r(?=\n|\Z|[^\n])", "", said)
    assert "Traceback" not in said
    return said


@pytest.mark.parametrize(
    ("columns", "journal"),
    [(40, ()), (1_000, ("--journal", "j\x1b[2J\u202e[red].db"))],
)
def test_a_job_shows_what_hubspot_and_its_file_say(
    shell: Shell, columns: int, journal: tuple[str, ...]
) -> None:
    table(shell)
    shell.sim.faults.add(
        Fault("status", status=400, body=REFUSAL, when=When(verb="upsert"), times=None)
    )

    said = on_terminal(*UPSERT, *journal, columns=columns).replace("\n", "")

    assert FILE_SHOWN in said
    assert "BAD" + SHOWN in said
    if journal:
        again = on_terminal(*UPSERT, *journal, columns=columns).replace("\n", "")
        assert r"j\x1b[2J\u202e[red].db: the job was finished already" in again


@pytest.mark.parametrize("category", ["MISSING_SCOPES", f"OTHER{EVIL}"])
def test_an_error_that_ends_a_job_is_shown(shell: Shell, category: str) -> None:
    table(shell)
    body = {**REFUSAL, "category": category}
    shell.sim.faults.add(
        Fault("status", status=403, body=body, when=When(verb="upsert"), times=None)
    )

    said = on_terminal(*UPSERT, "--journal", "run.db")
    assert "Ended early: " in said
    assert r"\x1b[2J\x1b]0;owned\x07" in said
    status = on_terminal("status", "run.db")
    assert FILE_SHOWN in status
    assert r"\x1b[2J\x1b]0;owned\x07" in status


def test_check_shows_values_and_columns(shell: Shell) -> None:
    table(shell)

    said = on_terminal("check", *UPSERT[1:])

    assert r"\x1b[31m\x1b[2J\x1b]0;owned\x07" in said
    assert r"\u202e\u2066\u200b\ufeff[red][/][/nope]" in said


@pytest.mark.usefixtures("shell")
def test_a_usage_error_shows_the_name_of_a_file() -> None:
    for words in (
        ("report", "no\x1b[2J.db", "-o", f"x{FILE}"),
        ("status", "no\x1b[2J.db"),
        ("upsert", "tickets", f"no{FILE}", *UPSERT[3:]),
        ("simulate", "--faults", f"no{FILE}"),
        ("upsert", f"tick{EVIL}ets", FILE),
        (f"--{EVIL}",),
    ):
        assert r"\x1b[" in on_terminal(*words)


def test_who_am_i_shows_what_hubspot_says(shell: Shell) -> None:
    body = {
        "portalId": 62515,
        "accountType": f"STANDARD{EVIL}",
        "timeZone": f"Europe/Berlin{EVIL}",
        "uiDomain": "app.hubspot.com",
    }
    shell.sim.faults.add(
        Fault("status", status=200, body=body, when=When(path="account-info"))
    )

    assert f"STANDARD{SHOWN}" in on_terminal("whoami")


@pytest.mark.usefixtures("shell")
def test_logs_and_warnings_on_a_terminal() -> None:
    line = (
        "import sys, logging, warnings; sys.argv = ['hubbatch', '--version']; "
        "import hubbatch_entry; import atexit; text = sys.stdin.read(); "
        "atexit.register(lambda: (logging.getLogger('aiohttp').warning(text), "
        "warnings.warn(text), print(text, file=sys.stderr))); hubbatch_entry.main()"
    )
    done = subprocess.run(  # noqa: S603 -- our own command
        [HUBBATCH[0], "-c", line],
        input=EVIL.encode(),
        capture_output=True,
        check=True,
        env={**untraced(), "PYTHONUTF8": "1"},
    )

    assert done.stderr.decode().count(SHOWN.replace(r"\r", r"\n").split(r"\n")[0]) == 3
    assert b"\x1b" not in done.stderr


def test_json_is_json(shell: Shell) -> None:
    table(shell)
    shell.sim.faults.add(
        Fault("status", status=403, body=REFUSAL, when=When(verb="upsert"), times=None)
    )
    with terminal(*UPSERT, "--journal", "run.db", "--json", columns=1_000) as shown:
        line = shown.read().splitlines()[-1]

    assert not {one for one in line if not one.isprintable()}
    assert EVIL.split("\r", 1)[0] in msgspec.json.decode(line)["error"]
    told = shell("status", "run.db", "--json")
    assert told.json["source"] == FILE.replace("\udce9", "\\udce9")


@pytest.mark.parametrize("values", [(), ("--values",)])
def test_a_report_shows_them_as_text(shell: Shell, values: tuple[str, ...]) -> None:
    table(shell)
    shell.sim.faults.add(
        Fault("status", status=400, body=REFUSAL, when=When(verb="upsert"), times=None)
    )
    assert shell(*UPSERT, "--journal", "run.db", "--failures", "f.jsonl").status == 1

    assert shell("report", "run.db", "-o", "page.html", *values).status == 0

    page = Path("page.html").read_text("utf-8")
    assert not {one for one in page if not one.isprintable()} - {"\n", "\xa0"}
    plain = html.unescape(page.replace("<wbr>", ""))
    assert FILE_SHOWN in plain
    assert f"BAD{SHOWN}" in plain
    assert f"c{SHOWN}" in plain
    assert (f": No: {SHOWN}" in plain) == bool(values)

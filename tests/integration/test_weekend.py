"""Runs docs/weekend.md: a portal moves into another, by the page's commands only.

Its commands are typed into a shell, its files are those of the page, and each portal
is the process of its `hubbatch simulate`.
"""

import csv
import os
import re
import shlex
import signal
import subprocess
import sys

from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from attrs import define, field

from hubbatch.jobs import read_status


pytestmark = pytest.mark.slow


TREE = Path(__file__).parents[2]
PAGE = (TREE / "docs" / "weekend.md").read_text()
PAIRS = {"works-at": ("contacts", "companies"), "reported-by": ("tickets", "contacts")}


def commands(heading: str) -> list[str]:
    """Return the commands under a heading of the page."""
    _, _, section = PAGE.partition(f"\n## {heading}")
    return re.findall(r"^\$ (.*)$", section.partition("\n## ")[0], re.MULTILINE)


def save_files(where: Path) -> None:
    """Save the files of the page under their names."""
    found = re.findall(r"`(\w+\.json)`[^`]*:\n\n```json\n(.*?)```", PAGE, re.DOTALL)
    assert [name for name, _ in found] == ["old.json", "new.json", "trouble.json"]
    for name, text in found:
        (where / name).write_text(text)


@define
class Portal:
    """A simulated portal, started as on the page."""

    process: subprocess.Popen[str]
    url: str
    token: str


@define
class Shell:
    """A terminal for the commands of the page."""

    where: Path
    process: subprocess.Popen[str] = field(init=False)

    def __attrs_post_init__(self) -> None:
        """Open it, with this `hubbatch`."""
        program = self.where / "bin" / "hubbatch"
        program.parent.mkdir()
        line = "from hubbatch_entry import main; main()"
        python = shlex.quote(sys.executable)
        program.write_text(f'#!/bin/sh\nexec {python} -c "{line}" "$@"\n')
        program.chmod(0o700)
        self.process = subprocess.Popen(
            ["bash", "--norc"],  # noqa: S607 -- whichever there is
            cwd=self.where,
            env=self.environ(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def environ(self) -> dict[str, str]:
        path = f"{self.where / 'bin'}:{os.environ['PATH']}"
        return {**os.environ, "PATH": path, "PYTHONPATH": str(TREE)}

    def type(self, line: str) -> tuple[str, int]:
        """Type a line; return its output and its exit status."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{line}\ns=$?; echo; echo :done $s\n")
        self.process.stdin.flush()
        said: list[str] = []
        for one in self.process.stdout:
            if one.startswith(":done "):
                return "".join(said), int(one.removeprefix(":done "))
            said.append(one)
        raise AssertionError(f"the shell ended: {''.join(said)}")

    def follow(self, line: str) -> str:
        """Type a line that must succeed."""
        said, status = self.type(line)
        assert status == 0, f"{line}\n{said}"
        return said

    def simulate(self, line: str) -> Portal:
        """Run a portal in its own terminal, on a free port."""
        process = subprocess.Popen(  # noqa: S603 -- our own
            shlex.split(
                f"{self.where}/bin/{re.sub('--port [0-9]+', '--port 0', line)}"
            ),
            cwd=self.where,
            env=self.environ(),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert process.stdout is not None
        url, token = (process.stdout.readline().split()[-1] for _ in range(2))
        process.stdout.close()  # it continues without a reader of its log
        return Portal(process, url, token)


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    save_files(tmp_path)
    shell = Shell(tmp_path)
    yield shell
    shell.process.kill()
    shell.process.communicate()


@pytest.fixture
def portals(shell: Shell) -> Iterator[list[Portal]]:
    """Run the two portals of the page."""
    lines = [one for one in commands("A rehearsal") if "simulate" in one]
    with ExitStack() as stack:
        portals = []
        for line in lines:
            portal = shell.simulate(line)
            stack.enter_context(portal.process)
            stack.callback(portal.process.send_signal, signal.SIGTERM)
            portals.append(portal)
        yield portals


def pull_the_plug(shell: Shell) -> None:
    """Start the creates, wait for rows in doubt, and kill it."""
    create, status, kill = (
        one for one in commands("A rehearsal") if "simulate" not in one
    )
    shell.follow(create)
    said, tries = "", 0
    while not re.search(r"succeeded +1,400 .*in doubt +100 ", said, re.DOTALL):
        said, _ = shell.type(status)  # at first there is no journal
        tries += 1
        assert tries < 60, said
    shell.follow(kill)
    found = read_status(shell.where / "w3.db")
    assert not found.finished
    assert (found.succeeded, found.in_doubt) == (1_400, 100)


def table(path: Path) -> list[list[str]]:
    with path.open(newline="") as file:
        return [*csv.reader(file)][1:]


def contents(where: Path, new: str = "") -> tuple[Counter[object], Counter[object]]:
    """Return what was read of a portal, by names and without ids."""
    names: dict[str, str] = {}
    records: Counter[object] = Counter()
    for kind, key in (("contacts", 1), ("companies", 2), ("tickets", 1)):
        for row in table(where / f"{new}{kind}.csv"):
            names[f"{kind} {row[0]}"] = row[key]
            records[kind, *row[1:]] += 1
    linked: Counter[object] = Counter(
        (names[f"{one} {row[0]}"], names[f"{other} {row[1]}"], *row[2:])
        for name, (one, other) in PAIRS.items()
        for row in table(where / f"{new}{name}.csv")
    )
    return records, linked


@pytest.mark.timeout(500)
def test_the_weekend(shell: Shell, portals: list[Portal]) -> None:
    """Afterwards the two portals are equal, up to the ids."""
    old, new = portals
    said = {}
    for day, portal in (
        *(("Friday: ", old), ("Friday evening", old)),
        *(("Saturday", new), ("Sunday", new), ("Monday", new)),
    ):
        shell.follow(f"export HUBBATCH_BASE_URL={portal.url}")
        for line in commands(day):
            if line.startswith("export "):
                line = f"export {line[7:10]}={portal.token}"  # noqa: PLW2901
            if line.startswith("hubbatch create tickets"):
                pull_the_plug(shell)
            said[line] = shell.follow(line)

    assert re.search(r"portal id +101 ", said["hubbatch whoami --token-env OLD"])
    assert re.search(r"portal id +102 ", said["hubbatch whoami --token-env NEW"])
    records, linked = contents(shell.where)
    assert (records.total(), linked.total() > 1_000) == (1_980, True)
    assert contents(shell.where, "new-") == (records, linked)
    failures = [*shell.where.glob("f?.jsonl")]
    assert [path.stat().st_size for path in failures] == [0] * 5
    page = (shell.where / "tickets.html").read_text()
    assert "Finished; all rows succeeded" in page
    again = [line for line in said if "--journal" in line]
    for line in again[:1] + again[-1:]:
        assert "nothing was sent" in shell.follow(line)

"""The command line in this process, against a HubSpot in a thread."""

import os

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import msgspec
import pytest

from hubbatch.simulator import Simulator
from hubbatch_entry.commands import hubbatch


@attrs.define
class Done:
    """How a command ended, and what it said."""

    status: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        return self.err.splitlines()

    @property
    def json(self) -> dict[str, Any]:
        """The object on the last line of standard output."""
        told: dict[str, Any] = msgspec.json.decode(self.out.splitlines()[-1])
        return told


@attrs.define
class Shell:
    """A folder in which commands are typed."""

    folder: Path
    sim: Simulator
    capsys: pytest.CaptureFixture[str]

    def __call__(self, *words: str) -> Done:
        self.capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            hubbatch(words, prog_name="hubbatch")
        said = self.capsys.readouterr()
        # Whatever is done, nobody ever gets to see the token.
        assert self.sim.token not in said.out + said.err
        for path in filter(Path.is_file, self.folder.iterdir()):
            assert self.sim.token.encode() not in path.read_bytes()
        return Done(int(str(ended.value.code or 0)), said.out, said.err)

    def write(self, name: str, *lines: str) -> str:
        """Write a file of lines."""
        Path(name).write_text("".join(f"{line}\n" for line in lines), "utf-8")
        return name

    def tickets(self, count: int) -> list[str]:
        """Have HubSpot know tickets, and give their ids."""
        create = self.sim.store.create
        return [create("tickets", {"subject": f"s{n}"}).id for n in range(count)]

    @property
    def sent(self) -> list[str]:
        """The calls that HubSpot received, without the questions whose it is."""
        calls = [received.path for received in self.sim.requests]
        return [path for path in calls if "account-info" not in path]


@pytest.fixture
def shell(
    hubspot_simulator: Simulator,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Shell:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HUBSPOT_ACCESS_TOKEN", hubspot_simulator.token)
    monkeypatch.setenv("HUBBATCH_BASE_URL", hubspot_simulator.url)
    monkeypatch.setenv("COLUMNS", "80")
    return Shell(tmp_path, hubspot_simulator, capsys)


@pytest.fixture
def stdin(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """The end at which others write to our standard input."""
    ours, theirs = os.pipe()
    monkeypatch.setattr("hubbatch.jobs.sources.stdin._STDIN", ours)
    yield theirs
    os.close(ours)

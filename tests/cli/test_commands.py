"""The commands as a person runs them: in a process of their own."""

import re
import signal
import subprocess
import sys

from pathlib import Path

import click
import msgspec
import pytest

from hubbatch import __version__
from hubbatch.simulator.limits import TIERS
from hubbatch_entry.commands import hubbatch
from tests.processes import untraced


PYTHON = "from hubbatch_entry import main; main()"
HUBBATCH = [sys.executable, "-c", PYTHON]


def run(
    *arguments: str, python: str = PYTHON, **environment: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 -- our own command
        [sys.executable, "-c", python, *arguments],
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
        env={**untraced(), "COLUMNS": "120", **environment},
    )


def test_demo_shows_the_combined_response_and_why_records_failed() -> None:
    done = run("demo", "--records", "1000")

    assert done.returncode == 0, done.stderr
    for shown in (
        "The combined response",
        "COMPLETE",
        "Failures by reason",
        "PROPERTY_DOESNT_EXIST",
        "frist_name",
        "OBJECT_NOT_FOUND",
        "hubbatch simulate",
    ):
        assert shown in done.stdout


def test_demo_accounts_for_every_record_in_json() -> None:
    done = run("demo", "--records", "1000", "--json")

    told = msgspec.json.decode(done.stdout)
    assert told["inputs"] == 1000
    assert told["succeeded"] + told["failed"] == 1000
    assert told["unknown"] == told["not_sent"] == 0
    assert told["requests"] == 10
    assert told["failed"] == sum(reason["count"] for reason in told["failures"]) > 0
    assert told["response"]["status"] == "COMPLETE"
    # Records that were never sent fail too, and are no errors of HubSpot's.
    assert 0 < told["response"]["numErrors"] < told["failed"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_simulate_serves_until_it_is_told_to_stop(number: signal.Signals) -> None:
    with subprocess.Popen(  # noqa: S603 -- our own command
        [*HUBBATCH, "simulate", "--port", "0"], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(2)]
        process.send_signal(number)
        status = process.wait(20)

    assert re.fullmatch(r"HubSpot simulator at http://127\.0\.0\.1:\d+\n", lines[0])
    assert re.fullmatch(r"token: pat-na1-[0-9a-f-]{36}\n", lines[1])
    assert status == 0


def test_a_port_in_use_is_one_clear_line() -> None:
    with subprocess.Popen(  # noqa: S603 -- our own command
        [*HUBBATCH, "simulate", "--port", "0"], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        port = process.stdout.readline().strip().rpartition(":")[2]
        second = run("simulate", "--port", port)
        process.terminate()

    assert second.returncode == 2
    assert second.stdout == ""
    [line] = second.stderr.splitlines()
    assert line.startswith(f"error: cannot listen on 127.0.0.1:{port}: ")


def test_without_its_extra_it_says_how_to_get_it(tmp_path: Path) -> None:
    (tmp_path / "click.py").write_text("raise ModuleNotFoundError(name='click')")

    done = run("demo", PYTHONPATH=str(tmp_path))

    assert done.returncode == 1
    assert done.stderr == (
        'The command line needs its extra: pip install "hubbatch[cli]"\n'
    )


@pytest.mark.parametrize("module", ["cloup", "rich"])
def test_every_part_of_its_extra_can_be_missing(tmp_path: Path, module: str) -> None:
    """Also one that is imported when a command runs."""
    (tmp_path / f"{module}.py").write_text(
        f"raise ModuleNotFoundError(name={module!r})"
    )

    done = run("whoami", PYTHONPATH=str(tmp_path))

    assert done.returncode == 1
    assert done.stderr == (
        'The command line needs its extra: pip install "hubbatch[cli]"\n'
    )


def test_help_names_the_commands() -> None:
    done = run("--help")

    assert done.returncode == 0
    assert "demo" in done.stdout
    assert "simulate" in done.stdout


# Prints the modules that a command imported, last.
IMPORTED = (
    "import atexit, sys; atexit.register(lambda: print(*sys.modules, "
    "file=sys.stderr)); from hubbatch_entry import main; main()"
)


def without_the_client(*arguments: str, **environment: str) -> str:
    """Run a command that has no need of the client; return what it prints."""
    done = run(*arguments, python=IMPORTED, **environment)

    assert done.returncode == 0
    imported = {name.partition(".")[0] for name in done.stderr.split()}
    assert {"hubbatch_entry", "cloup"} <= imported
    # Nor does it import what only the client does.
    assert not imported & {
        *("hubbatch", "aiohttp", "asyncio", "attr", "cattrs", "logging", "msgspec"),
        *("jinja2", "pyarrow", "rich", "sqlite3"),
    }
    return done.stdout


@pytest.mark.parametrize("arguments", [(), *((name,) for name in hubbatch.commands)])
def test_help_does_not_import_the_client(arguments: tuple[str, ...]) -> None:
    shown = without_the_client(*arguments, "--help")

    assert shown.startswith(" ".join(("Usage: hubbatch", *arguments)))


def test_the_version_does_not_import_the_client() -> None:
    assert without_the_client("--version") == f"hubbatch, version {__version__}\n"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
@pytest.mark.parametrize(
    ("words", "completed"),
    [(["simul"], "simulate"), (["update", "--id-c"], "--id-column")],
)
def test_completion_does_not_import_the_client(
    shell: str, words: list[str], completed: str
) -> None:
    shown = without_the_client(
        _HUBBATCH_COMPLETE=f"{shell}_complete",
        COMP_WORDS=" ".join(("hubbatch", *words)),
        COMP_CWORD=words[-1] if shell == "fish" else str(len(words)),
    )

    assert completed in shown


def test_completion_scripts_do_not_import_the_client() -> None:
    assert "_HUBBATCH_COMPLETE" in without_the_client("completion", "zsh")


def test_the_tiers_to_choose_from_are_those_of_the_simulator() -> None:
    [tier] = [it for it in hubbatch.commands["simulate"].params if it.name == "tier"]

    assert isinstance(tier.type, click.Choice)
    assert [*tier.type.choices] == [*TIERS]

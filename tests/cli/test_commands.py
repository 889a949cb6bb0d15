"""The commands as a person runs them: in a process of their own."""

import re
import signal
import subprocess
import sys

from pathlib import Path

import orjson
import pytest

from hubbatch.cli.commands import hubbatch
from tests.processes import untraced


PYTHON = "from hubbatch.cli import main; main()"
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

    told = orjson.loads(done.stdout)
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


@pytest.mark.parametrize("arguments", [(), *((name,) for name in hubbatch.commands)])
def test_help_imports_nothing_that_only_a_job_needs(arguments: tuple[str, ...]) -> None:
    code = (
        "import atexit, sys; atexit.register(lambda: print(*sys.modules, "
        "file=sys.stderr)); from hubbatch.cli import main; main()"
    )

    done = run(*arguments, "--help", python=code)

    assert done.returncode == 0
    assert done.stdout.startswith(" ".join(("Usage: hubbatch", *arguments)))
    imported = {*done.stderr.split()}
    assert "hubbatch.cli.commands" in imported
    assert not imported & {"rich", "jinja2", "hubbatch.jobs", "aiohttp.web"}

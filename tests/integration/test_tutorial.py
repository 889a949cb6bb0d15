"""Runs the commands of docs/tutorial.md in their order."""

import os
import re
import shlex
import socket
import subprocess
import sys

from pathlib import Path

import pytest


pytestmark = pytest.mark.slow


TREE = Path(__file__).parents[2]
PAGE = (TREE / "docs" / "tutorial.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
ELSEWHERE = ("python3 -m venv", "pip install", "hubbatch simulate")
# The page says to wait some seconds; here it is killed once it has written a
# thousand results, however fast the machine is.
WAIT = "until [ -s ids.csv ] && [ $(wc -l < ids.csv) -gt 1000 ]; do sleep 0.05; done"


def free_port() -> str:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return str(listener.getsockname()[1])


@pytest.fixture
def shell(tmp_path: Path) -> dict[str, str]:
    """A folder, and an environment with this `hubbatch` and `python`."""
    programs = tmp_path / "bin"
    programs.mkdir()
    python = shlex.quote(sys.executable)
    line = shlex.quote("from hubbatch_entry import main; main()")
    for name, told in {"python": "", "hubbatch": f"-c {line}"}.items():
        program = programs / name
        program.write_text(f'#!/bin/sh\nexec {python} {told} "$@"\n')
        program.chmod(0o755)
    return {
        "PATH": f"{programs}:{os.environ['PATH']}",
        "PYTHONPATH": os.pathsep.join([str(TREE), os.environ.get("PYTHONPATH", "")]),
        "HOME": str(tmp_path),
    }


def steps(block: str) -> list[tuple[str, str]]:
    """Split a console block into commands and their outputs."""
    typed = re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]
    return [(one.partition("\n")[0], one.partition("\n")[2]) for one in typed]


def pattern(shown: str) -> str:
    """Return the pattern of an output, in which `...` matches anything."""
    lines = []
    for line in shown.splitlines():
        told = re.escape(line.strip()).replace(r"\.\.\.", ".*?")
        lines.append(r"(?:.*\n)*?" if line == "..." else told + r"[ ]*\n")
    return "".join(lines)


def told(output: str) -> str:
    return "".join(f"{line.strip()}\n" for line in output.splitlines())


def run(script: list[str], where: Path, env: dict[str, str]) -> list[str]:
    """Return what each command of a script printed."""
    lines = [f"{command}\necho '<<>>'" for command in script]
    done = subprocess.run(  # noqa: S603 -- our own page
        ["/bin/bash", "-c", "\n".join(["exec 2>&1", *lines])],
        cwd=where,
        env=env,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
        timeout=180,
    )
    return told(done.stdout).split("<<>>\n")[:-1]


def test_the_tutorial(shell: dict[str, str], tmp_path: Path) -> None:
    port = free_port()
    page = [(language, block.replace("8080", port)) for language, block in BLOCKS]
    for language, block in page:
        if language == "python":
            name = block.partition("\n")[0].removeprefix("# ")
            (tmp_path / name).write_text(block)
    console = [
        step for kind, block in page if kind == "console" for step in steps(block)
    ]
    here = [step for step in console if not step[0].startswith(ELSEWHERE)]
    [(serve, served)] = [step for step in console if "hubbatch simulate" in step[0]]

    with (
        subprocess.Popen(  # noqa: S603 -- our own
            [f"{tmp_path}/bin/{serve.split()[0]}", *serve.split()[1:]],
            cwd=tmp_path,
            env=shell,
            stdout=subprocess.PIPE,
            text=True,
        ) as simulator
    ):
        try:
            assert simulator.stdout is not None
            begun = "".join(simulator.stdout.readline() for _ in range(2))
            script = [command.replace("sleep 2", WAIT) for command, _ in here]
            outputs = run(script, tmp_path, shell)
        finally:
            simulator.kill()

    assert told(begun) == told(served)
    for (command, shown), output in zip(here, outputs, strict=True):
        assert re.fullmatch(pattern(shown), output), f"{command}\n{output}"
    assert "12,000" in (tmp_path / "report.html").read_text()
    assert len((tmp_path / "ids.csv").read_text().splitlines()) == 12_000

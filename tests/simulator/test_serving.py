"""The simulator as a program: its output and its exit status."""

import os
import queue
import shlex
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from hubbatch.simulator import Simulator
from hubbatch.simulator.__main__ import main
from hubbatch.simulator.faults.faults import Faults
from hubbatch.simulator.faults.script import ScriptError, load_faults
from hubbatch.simulator.server import serving
from hubbatch.simulator.server.received import Received
from hubbatch.simulator.wire import seeded_random

from .behaviours import behaviour


@pytest.fixture
def script(tmp_path: Path) -> Path:
    return tmp_path / "faults.json"


class Program:
    def __init__(self, *options: str) -> None:
        environ = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
        self.process = subprocess.Popen(  # noqa: S603
            [sys.executable, "-m", "hubbatch.simulator", "--port", "0", *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=environ,
            text=True,
        )
        self.lines: queue.Queue[str] = queue.Queue()
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()
        self.url = self.line().removeprefix("HubSpot simulator at ")
        self.token = self.line().removeprefix("token: ")

    def _read(self) -> None:
        for line in self.process.stdout or ():
            self.lines.put(line.rstrip("\n"))

    def line(self) -> str:
        return self.lines.get(timeout=120)

    def post(self, verb: str, inputs: list[Any]) -> Any:
        request = urllib.request.Request(  # noqa: S310
            f"{self.url}/crm/v3/objects/tickets/batch/{verb}",
            data=msgspec.json.encode({"inputs": inputs}),
            headers={
                "Authorization": f"Bearer {self.token}",
                "Content-Type": "application/json",
            },
        )
        with urllib.request.urlopen(request) as answer:  # noqa: S310
            return msgspec.json.decode(answer.read())

    def end(self, number: signal.Signals) -> int:
        self.process.send_signal(number)
        status = self.process.wait(20)
        self.reader.join(20)
        if self.process.stdout is not None:
            self.process.stdout.close()
        return status


@pytest.fixture
def program() -> Iterator[Program]:
    running = Program("--seed", "5")
    yield running
    if running.process.poll() is None:
        running.end(signal.SIGKILL)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@behaviour("program")
def test_program(program: Program, number: signal.Signals) -> None:
    """It prints URL and token, then a line per request, and exits with status 0."""
    made = program.post("create", [{"properties": {"subject": "x"}}] * 3)

    assert program.url.startswith("http://127.0.0.1:")
    assert program.token == Simulator(seed=5).token
    assert len(made["results"]) == 3
    assert program.line() == (
        "POST /crm/v3/objects/tickets/batch/create 3 inputs -> 201"
    )
    assert program.end(number) == 0
    assert program.lines.empty()


IMPORTING = """
import runpy, signal, sys
class Finder:
    def find_spec(name, *_):
        if name == "hubbatch.simulator.server.serving":
            signal.raise_signal(signal.SIGINT)
sys.meta_path.insert(0, Finder)
runpy.run_module("hubbatch.simulator", run_name="__main__")
"""


@behaviour("program")
def test_a_signal_while_the_server_is_imported() -> None:
    """It prints no traceback."""
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-c", IMPORTING, "--port", "0"],
        capture_output=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )

    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


@behaviour("program-mistakes")
def test_port_in_use(capsys: pytest.CaptureFixture[str]) -> None:
    with Simulator() as sim:
        port = sim.url.rpartition(":")[2]
        status = main(["--port", port])
    (line,) = capsys.readouterr().err.splitlines()

    assert status == 2
    assert line == f"error: cannot listen on 127.0.0.1:{port}: Address already in use"


@pytest.mark.parametrize("port", ["99999", "65536", "-1"])
@behaviour("program-mistakes")
def test_an_invalid_port(port: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--port", port]) == 2
    assert capsys.readouterr().err == (
        f"error: --port must be between 0 and 65535, not {port}\n"
    )


@behaviour("program-mistakes")
def test_an_invalid_portal_id(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--port", "0", "--portal-id", "0"]) == 2
    assert capsys.readouterr().err == "error: --portal-id must be 1 or more, not 0\n"


@pytest.mark.parametrize("host", ["no.such.host.invalid", "999.1.1.1", "203.0.113.7"])
@behaviour("program-mistakes")
def test_a_host_of_another_machine(
    host: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--port", "0", "--host", host]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"error: cannot listen on {host}:0: ")
    assert "Unknown error" not in line


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (
            '{"fault": []}',
            "the file: unknown key 'fault'; known keys: quirks, chaos, faults",
        ),
        ('{"faults": [{"kind": "status", "statsu": 1}]}', "faults[0]: unknown key"),
        ('{"faults": [{"status": 1}]}', "missing 1 required positional argument"),
        ('{"faults": [{"kind": "sttus"}]}', "faults[0]: 'kind' must be in"),
        ('{"faults": [{"kind": "delay", "when": {"verbs": 1}}]}', "[0].when: unknown"),
        ('{"faults": {}}', "faults: expected a list"),
        ('{"faults": [1]}', "faults[0]: expected an object"),
        ('{"faults": [{"kind": "silent_drop", "value": "123"}]}', "'value': 'silent_"),
        ('{"faults": [{"kind": "silent_drop", "value": 5}]}', "a list of ids"),
        ('{"faults": [{"kind": "silent_drop", "value": [{}]}]}', "a list of ids"),
        ('{"faults": [{"kind": "shuffle", "value": 1}]}', "'value': 'shuffle' must"),
        ('{"quirks": {"silent_drop": "123"}}', "quirks: 'silent_drop' must be true"),
        ('{"quirks": {"honour_trace_ids": 5}}', "quirks: 'honour_trace_ids' must be"),
        ('{"quirks": {"honour_trace_ids": "create"}}', "must be a list of verbs"),
        ('{"quirks": {"honour_trace_ids": [[]]}}', "must be a list of verbs"),
        (
            '{"faults": [{"kind": "status", "headers": {"X": "a\\r\\nB: c"}}]}',
            "'headers': X must be one line of ASCII",
        ),
        (
            '{"faults": [{"kind": "status", "headers": {"X Y": "a"}}]}',
            "'headers': 'X Y' is not a valid header name",
        ),
        (
            '{"faults": [{"kind": "status", "headers": {"X": 1}}]}',
            "'headers': X must be one line of ASCII",
        ),
        ('{"faults": [{"kind": "status", "headers": 1}]}', "'headers' must be an"),
        (
            '{"faults": [{"kind": "delay", "when": {"verb": "upd"}}]}',
            "'verb' must be in",
        ),
        ('{"faults": [{"kind": "status", "status": 20}]}', "'status' must be >= 200"),
        ('{"faults": [{"kind": "status", "empty": 1}]}', "'empty' must be"),
        ('{"faults": [{"kind": []}]}', "'kind' must be in"),
        ('{"quirks": {"shuffel": true}}', "quirks: unknown key 'shuffel'"),
        ('{"quirks": {"shuffle": 1}}', "quirks: 'shuffle' must be"),
        ('{"chaos": 2}', "chaos: expected a rate between 0 and 1, got 2"),
        ('{"chaos": "0.1"}', "chaos: expected a number, got '0.1'"),
        ('{"chaos": 0.1', "line 1: "),
        ("[]", "the file: expected an object"),
    ],
)
@behaviour("program-mistakes", "fault-file")
def test_mistakes_in_a_script(
    script: Path, text: str, complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """It prints one line that names the file and the place, and exits with 2."""
    script.write_text(text)
    status = main(["--port", "0", "--faults", str(script)])
    (line,) = capsys.readouterr().err.splitlines()

    assert status == 2
    assert line.startswith(f"error: {script}: ")
    assert complaint in line


@behaviour("program-mistakes")
def test_a_missing_script(script: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--port", "0", "--faults", str(script)]) == 2
    assert capsys.readouterr().err == f"error: {script}: No such file or directory\n"


@behaviour("program-mistakes")
def test_an_invalid_chaos_rate(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--port", "0", "--chaos", "3"]) == 2
    assert capsys.readouterr().err == "error: rate must be between 0 and 1 (got 3.0)\n"


@behaviour("fault-file")
def test_script(script: Path) -> None:
    """A script can express everything but functions."""
    script.write_bytes(
        msgspec.json.encode(
            {
                "quirks": {
                    "shuffle": False,
                    "honour_trace_ids": ["create"],
                    "silent_drop": [512],
                },
                "chaos": 0.25,
                "faults": [
                    {
                        "kind": "status",
                        "status": 502,
                        "times": None,
                        "retry_after": 1,
                        "when": {"verb": "update", "skip": 2},
                    },
                    {"kind": "drop_after_commit"},
                ],
            }
        )
    )
    faults = Faults(seeded_random(1))
    load_faults(script, faults)
    first, second = (armed.fault for armed in faults._armed)

    assert faults.quirks.shuffle is False
    assert faults.quirks.honour_trace_ids == {"create"}
    assert faults.quirks.silent_drop == ("512",)
    assert (first.status, first.times, first.retry_after) == (502, None, 1)
    assert (second.kind, second.times) == ("drop_after_commit", 1)
    assert faults._rate == 0.25


def test_mistake_arms_nothing(script: Path) -> None:
    script.write_text('{"faults": [{"kind": "truncate"}, {"kind": "x"}], "chaos": 1}')
    faults = Faults(seeded_random(1))
    with pytest.raises(ScriptError):
        load_faults(script, faults)

    assert (faults._armed, faults._rate) == ([], 0)


@behaviour("program")
def test_a_log_without_a_reader() -> None:
    """Requests are still answered, and the program exits with status 0."""
    environ = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    with subprocess.Popen(
        [sys.executable, "-m", "hubbatch.simulator", "--port", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environ,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        url = process.stdout.readline().split()[-1]
        token = process.stdout.readline().split()[-1]
        process.stdout.close()
        headers = {"Authorization": f"Bearer {token}"}
        for _ in range(3):
            request = urllib.request.Request(  # noqa: S310
                f"{url}/account-info/v3/details", headers=headers
            )
            with urllib.request.urlopen(request) as answer:  # noqa: S310
                assert answer.status == 200
        process.send_signal(signal.SIGTERM)

        assert process.stderr.read() == ""
        assert process.wait(20) == 0


@pytest.mark.parametrize("redirection", [">/dev/full 2>&1", ">&-", ">&- 2>&-"])
@behaviour("program")
def test_a_log_that_cannot_be_written(redirection: str) -> None:
    """Requests are still answered, and the program exits with status 0."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    python = shlex.quote(sys.executable)
    with subprocess.Popen(  # noqa: S602 -- redirections are the shell's
        f"exec {python} -m hubbatch.simulator --port {port} {redirection}",
        shell=True,
        executable="/bin/bash",
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    ) as process:
        while process.poll() is None:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/crm")
            except urllib.error.HTTPError as error:
                error.close()
                break
            except urllib.error.URLError:  # it does not listen yet
                time.sleep(0.05)
        process.send_signal(signal.SIGTERM)

        assert process.wait(20) == 0


@behaviour("program")
def test_control_characters_in_a_path_are_escaped() -> None:
    """A client cannot send control characters to the terminal through the log."""
    path = "/crm/\x1b[2J\n\u202eé"
    received = Received("GET", path, {}, {}, b"", 404, 0.0)

    assert serving.log_line(received) == "GET /crm/\\x1b[2J\\n\\u202eé -> 404"


@behaviour("not-implemented")
def test_a_call_that_is_not_in_the_simulator_stands_out_in_the_log() -> None:
    received = Received("GET", "/x", {}, {}, b"", 501, 0.0, implemented=False)

    assert serving.log_line(received) == "GET /x -> 501 *** NOT IN THE SIMULATOR ***"

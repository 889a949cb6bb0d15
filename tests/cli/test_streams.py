"""Streams that are written to whatever has become of them: real pipes and terminals."""

import datetime as dt
import fcntl
import io
import os
import pty
import threading

from collections.abc import Iterator
from zoneinfo import ZoneInfo

import msgspec
import pytest

from hypothesis import given
from hypothesis import strategies as st

from hubbatch._escapes import visible
from hubbatch.cli.console import EscapingConsole, print_json
from hubbatch.cli.exit_status import ExitStatus
from hubbatch_entry.streams import EscapingStream, Stream


anything = st.text(st.characters(codec=None, exclude_categories=()))


def stream(number: int, encoding: str = "utf-8", kind: type[Stream] = Stream) -> Stream:
    return kind(io.FileIO(number, "w", closefd=False), encoding)


def well_formed(value: object) -> object:
    """Write lone surrogates as their escapes."""
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, list):
        return [well_formed(one) for one in value]
    assert isinstance(value, dict)
    return {well_formed(name): well_formed(one) for name, one in value.items()}


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    ours, theirs = os.pipe()
    yield ours, theirs
    for number in (ours, theirs):
        try:
            os.close(number)
        except OSError:
            continue


def test_a_reader_that_has_left_is_no_error(pipe: tuple[int, int]) -> None:
    ours, theirs = pipe
    os.close(ours)
    made = stream(theirs)

    assert made.write("nobody reads this\n") == 18
    assert isinstance(made.failure, BrokenPipeError)


def test_a_terminal_that_has_gone_is_no_error() -> None:
    master, slave = pty.openpty()
    os.close(master)
    made = stream(slave)
    made.write("nobody sees this\n")

    assert isinstance(made.failure, OSError)
    os.close(slave)


def test_a_full_disk_is_no_error() -> None:
    number = os.open("/dev/full", os.O_WRONLY)
    made = stream(number)
    made.write("no room\n")

    assert made.failure is not None
    assert made.failure.strerror == "No space left on device"
    os.close(number)


def test_a_pipe_that_does_not_block_gets_everything(pipe: tuple[int, int]) -> None:
    ours, theirs = pipe
    flags = fcntl.fcntl(theirs, fcntl.F_GETFL)
    fcntl.fcntl(theirs, fcntl.F_SETFL, flags | os.O_NONBLOCK)
    text = "".join(f"{number}\n" for number in range(100_000))
    read = bytearray()

    def reader() -> None:
        while data := os.read(ours, 4096):
            read.extend(data)

    thread = threading.Thread(target=reader)
    thread.start()
    made = stream(theirs)
    assert made.write(text) == len(text)
    os.close(theirs)
    thread.join()

    assert made.failure is None
    assert read.decode() == text


@given(anything, st.sampled_from(["ascii", "cp1252", "utf-8", "utf-16"]))
def test_any_text_can_be_written_in_any_encoding(text: str, encoding: str) -> None:
    ours, theirs = os.pipe()
    made = stream(theirs, encoding)
    text = text[:1_000]

    assert made.write(text) == len(text)
    os.close(theirs)
    with os.fdopen(ours, "rb") as file:
        written = file.read().decode(encoding)
    if all(ord(one) < 0x80 for one in text):
        assert written == text
    assert made.failure is None


@given(anything)
def test_what_anything_else_prints_is_screened(text: str) -> None:
    ours, theirs = os.pipe()
    text = text[:1_000]
    assert stream(theirs, kind=EscapingStream).write(text) == len(text)
    os.close(theirs)
    with os.fdopen(ours, "rb") as file:
        written = file.read().decode()

    assert written == visible(text, keep="\n\t")


def test_screens_let_only_their_own_sequences_through() -> None:
    file = io.StringIO()
    console = EscapingConsole(
        file=file, force_terminal=True, width=200, color_system="standard"
    )

    console.print("[red]ours[/] \x1b[31mnot ours\x1b[0m \x9b2J \u202e", highlight=False)

    assert file.getvalue() == (
        "\x1b[31mours\x1b[0m \\x1b[31mnot ours\\x1b[0m \\x9b2J \\u202e\n"
    )


@pytest.mark.parametrize("encoding", ["utf-8", "ascii", "cp1252"])
@given(
    st.recursive(anything, lambda one: st.lists(one) | st.dictionaries(anything, one))
)
def test_json_is_valid_whatever_it_holds(encoding: str, value: object) -> None:
    with pytest.MonkeyPatch.context() as patch:
        file = io.TextIOWrapper(io.BytesIO(), encoding=encoding, newline="")
        patch.setattr("sys.stdout", file)
        print_json({"it": value})
        file.flush()
        written = file.buffer.getvalue()

    assert written.endswith(b"\n")
    assert written.count(b"\n") == 1
    assert not {one for one in written.decode(encoding) if ord(one) in range(127, 160)}
    assert msgspec.json.decode(written)["it"] == well_formed(value)


def test_json_escapes_what_a_terminal_would_do(
    capsys: pytest.CaptureFixture[str],
) -> None:
    print_json({"é": "\x1b[2J \x9b \u202e \U000e0041 x\udce9"})

    out = capsys.readouterr().out
    assert out == ('{"é":"\\u001b[2J \\u009b \\u202e \\udb40\\udc41 x\\\\udce9"}\n')
    assert msgspec.json.decode(out) == {"é": "\x1b[2J \x9b \u202e \U000e0041 x\\udce9"}


def test_json_of_times_and_numbers(capsys: pytest.CaptureFixture[str]) -> None:
    moment = dt.datetime(2026, 3, 1, 9, 0, 0, 120, tzinfo=dt.UTC)

    print_json(
        {
            "times": [moment, moment.replace(microsecond=0)],
            "zones": [moment.astimezone(ZoneInfo(it)) for it in ("UTC", "Asia/Tokyo")],
            "numbers": [0, 2**53 + 1, -1.0, 12.345, 1e-05, 0.1 + 0.2, float("nan")],
            "other": [None, True, ExitStatus.BAD_USAGE, (), {}],
        }
    )

    assert capsys.readouterr().out == (
        '{"times":["2026-03-01T09:00:00.000120Z","2026-03-01T09:00:00Z"],'
        '"zones":["2026-03-01T09:00:00.000120Z","2026-03-01T18:00:00.000120+09:00"],'
        '"numbers":[0,9007199254740993,-1.0,12.345,0.00001,0.30000000000000004,null],'
        '"other":[null,true,2,[],{}]}\n'
    )

"""What is logged, at which level, and what never is."""

import asyncio
import logging
import subprocess
import sys

from typing import Any

import pytest

from hubbatch import (
    AuthenticationError,
    BatchBegun,
    BatchEnded,
    ChunkCut,
    ChunkRetried,
    ChunkSent,
    ChunkThrottled,
    InputFailed,
)
from hubbatch._http import NoAnswer, Response
from hubbatch._net.coalescing import CallBatchers
from hubbatch._net.event_log import EventLogger
from hubbatch._net.listeners import Listeners
from tests.net.crm import SECRET, UNAUTHORIZED, client_state, page, throttled, updates
from tests.net.test_events import UPDATE, filled, listened


@pytest.fixture(autouse=True)
def everything(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, logger="hubbatch")


def levels(caplog: pytest.LogCaptureFixture) -> list[tuple[str, str]]:
    return [
        (record.levelname, record.getMessage().split(": ", maxsplit=1)[1])
        for record in caplog.records
    ]


async def test_a_batch_is_one_info_line(
    caplog: pytest.LogCaptureFixture,
) -> None:
    await listened(filled(), UPDATE, updates(3))
    assert [record.levelname for record in caplog.records] == [
        *["DEBUG"] * 4,
        "INFO",
    ]
    ended: Any = caplog.records[-1]
    assert ended.getMessage().startswith("tickets.update, batch ")
    assert ended.getMessage().endswith(
        "s: of 3 inputs 3 succeeded, 0 failed, 0 are unknown, 0 were not sent; "
        "1 requests"
    )
    assert (ended.operation, ended.succeeded, ended.error) == (
        "tickets.update",
        3,
        None,
    )


async def test_a_stream_that_its_caller_leaves_is_an_info_line(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A `break` is a decision, not an error."""
    async with listened(filled(), UPDATE, updates(3_000)) as outcomes:
        async for _ in outcomes:
            break
    ended: Any = caplog.records[-1]
    assert (ended.levelname, ended.error) == ("INFO", "CancelledError")
    assert "stopped by its caller after" in ended.getMessage()
    assert "Error" not in ended.getMessage()
    assert {record.levelname for record in caplog.records} == {"DEBUG", "INFO"}


async def test_an_error_that_ends_a_batch_is_named(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with pytest.raises(AuthenticationError):
        await listened(filled(script=[UNAUTHORIZED]), UPDATE, updates(3))
    ended = caplog.records[-1]
    assert ended.levelname == "WARNING"
    assert ended.getMessage().endswith("1 requests (error AuthenticationError)")


async def test_a_line_names_the_account_only_if_it_is_known(
    caplog: pytest.LogCaptureFixture,
) -> None:
    for account in (None, "62515"):
        EventLogger()(BatchBegun(account=account, operation="x", lane="bulk"))
    assert [record.getMessage() for record in caplog.records] == [
        "x, batch 0: started",
        "x of account 62515, batch 0: started",
    ]


async def test_a_line_omits_what_is_not_known(caplog: pytest.LogCaptureFixture) -> None:
    await listened(filled(script=[Response(503, {}, b"")]), UPDATE, updates(3))
    await listened(
        filled(script=[NoAnswer(sent=False, reason="no route")]), UPDATE, updates(3)
    )
    lines = [record.getMessage() for record in caplog.records]
    assert not [line for line in lines if "None" in line]
    causes = [line.rpartition(" (")[2] for line in lines if "are retried" in line]
    assert causes == ["status 503)", "no answer)"]


async def test_single_calls_are_debug_lines(caplog: pytest.LogCaptureFixture) -> None:
    await CallBatchers(client_state(filled())).call(UPDATE, updates(1)[0])
    assert {record.levelname for record in caplog.records} == {"DEBUG"}
    assert {record.lane for record in caplog.records if hasattr(record, "lane")} == {
        "single"
    }


async def test_a_retry_is_a_warning_with_its_correlation_id(
    caplog: pytest.LogCaptureFixture,
) -> None:
    answer = Response(503, {"X-HubSpot-Correlation-Id": "c-7"}, b"")
    await listened(filled(script=[answer]), UPDATE, updates(3))
    [warning] = [record for record in caplog.records if record.levelname == "WARNING"]
    retried: Any = warning
    assert (retried.status, retried.correlation_id) == (503, "c-7")
    assert "correlation id c-7" in retried.getMessage()


async def test_control_characters_are_escaped(
    caplog: pytest.LogCaptureFixture,
) -> None:
    evil = "c-7\x1b[2J\nforged line\u202e"
    answer = Response(503, {"X-HubSpot-Correlation-Id": evil}, b"")
    await listened(filled(script=[answer]), UPDATE, updates(3))
    [warning] = [record for record in caplog.records if record.levelname == "WARNING"]
    assert warning.getMessage().endswith(
        r"correlation id c-7\x1b[2J\nforged line\u202e)"
    )
    assert all(record.getMessage().isprintable() for record in caplog.records)


async def test_429s_are_one_warning_a_minute(
    caplog: pytest.LogCaptureFixture,
) -> None:
    crm = filled(script=[throttled(Retry_After="3")] * 2)
    shared = listened(crm, UPDATE, updates(3))
    state = shared._state
    await shared
    for _ in range(2):
        crm.script.append(throttled(Retry_After="3"))
        await asyncio.sleep(61)
        await type(shared)(state, UPDATE, updates(3))
    warnings = [record for record in caplog.records if record.levelname == "WARNING"]
    assert [record.getMessage().partition(" were ")[2] for record in warnings] == [
        "answered with 429: no request is sent for 3.0 s (policy TEN_SECONDLY_ROLLING)"
    ] * 3
    all_of_them = [
        record
        for record in caplog.records
        if "with 429: no request" in record.getMessage()
    ]
    assert len(all_of_them) == 4


async def test_each_account_has_its_own_warnings(
    caplog: pytest.LogCaptureFixture,
) -> None:
    logbook = EventLogger()
    for account in ("1", "2", "1"):
        logbook(
            ChunkThrottled(
                account=account, operation="x", first_index=0, inputs=1, retry_after=1
            )
        )
    assert [record.levelname for record in caplog.records] == [
        "WARNING",
        "WARNING",
        "DEBUG",
    ]


async def test_only_events_that_would_be_logged_are_wanted(
    caplog: pytest.LogCaptureFixture,
) -> None:
    no_listeners = Listeners([])
    wanted: dict[str, set[object]] = {
        "DEBUG": {ChunkSent, InputFailed, BatchEnded, ChunkRetried},
        "INFO": {BatchEnded, ChunkRetried},
        "WARNING": {BatchEnded, ChunkRetried},
        "ERROR": set(),
    }
    for level, kinds in wanted.items():
        caplog.set_level(level, logger="hubbatch")
        for kind in (ChunkSent, InputFailed, BatchEnded, ChunkRetried, ChunkCut):
            assert no_listeners.wants(kind) == (kind in kinds)
        assert Listeners([print]).wants(ChunkCut)


async def test_another_listener_does_not_change_the_log_level(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.WARNING, logger="hubbatch")
    await listened(filled(), UPDATE, updates(3), lambda _: None)
    assert not caplog.records


async def test_no_value_message_or_token_is_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Neither in the lines, nor in the attributes that a JSON handler would add."""
    refusal = b'{"message":"the-message quotes the-value","category":"the-category"}'
    crm = filled(script=[page(502), throttled(), Response(400, {}, refusal)])
    inputs: list[Any] = [
        {"id": str(n), "properties": {"value": f"bad-the-value-{n}"}}
        for n in range(1, 4)
    ]
    inputs += [{"id": "1", "properties": {"value": float("nan")}}]
    await listened(crm, UPDATE, inputs)
    written = caplog.text + repr([vars(record) for record in caplog.records])
    assert "the-category" in written
    for secret in ("the-value", "the-message", "is bad", "nan", SECRET, "pat-"):
        assert secret not in written


def test_a_program_without_logging_sees_warnings() -> None:
    """The logger has no handler, so Python prints warnings; nor a level of its own."""
    program = (
        "import hubbatch, logging; log = logging.getLogger('hubbatch');"
        "log.info('not heard'); log.warning('heard'); print(log.level, log.handlers)"
    )
    ran = subprocess.run(  # noqa: S603 -- our own
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert ran.stderr == "heard\n"
    assert ran.stdout == "0 []\n"


def test_a_command_shows_its_own_lines_only() -> None:
    program = (
        "import hubbatch.cli, logging; logging.getLogger('hubbatch').warning('heard?')"
    )
    ran = subprocess.run(  # noqa: S603 -- our own
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert ran.stderr == ""

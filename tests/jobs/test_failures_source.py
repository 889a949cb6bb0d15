from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from hubbatch import Outcome, OutcomeStatus, RecordError
from hubbatch._wire.endpoints import operation_for
from hubbatch.jobs import (
    FailedCall,
    Failures,
    FailuresSource,
    Job,
    Row,
    SourceError,
)

from .conftest import Desk


LINE: dict[str, Any] = {
    "index": 17,
    "operation": "create",
    "object_type": "tickets",
    "input": {"properties": {"subject": "x"}},
    "status": "failed",
    "input_id": "A-1",
    "portal": 62515,
}


def write(tmp_path: Path, *lines: Any) -> Path:
    path = tmp_path / "f.jsonl"
    path.write_bytes(b"".join(msgspec.json.encode(line) + b"\n" for line in lines))
    return path


def test_what_failures_wrote_is_read_again(tmp_path: Path) -> None:
    operation = operation_for(
        "objects", "upsert", "tickets", api_version="v3", id_property="ref"
    )
    failures = Failures("f.jsonl", operation, legacy=False)
    failures.portal_id = 62515
    given = {"id": "A-1", "properties": {"subject": "x"}}
    outcome: Outcome[Any] = Outcome(
        17,
        given,
        OutcomeStatus.UNKNOWN,
        None,
        None,
        RecordError("lost"),
        1,
        safe_to_resend=True,
    )
    path = tmp_path / "f.jsonl"
    path.write_bytes(failures.encode(outcome, Row(17, "A-1", given, 19)))

    source = FailuresSource(path)

    call = source.call()
    assert call == FailedCall(
        verb="upsert",
        object_type="tickets",
        portal=62515,
        id_property="ref",
        properties=(),
        legacy=False,
    )
    assert str(call) == "tickets.upsert by ref on portal 62515"
    assert [*source] == [Row(0, "A-1", given, 1)]
    assert source.last_doubted is None
    assert str(path) in repr(source)


def test_what_a_call_is_called(tmp_path: Path) -> None:
    legacy = FailuresSource(
        write(tmp_path, LINE | {"operation": "update", "legacy": True, "portal": None})
    )
    assert str(legacy.call()) == "tickets.update (legacy)"

    read = FailuresSource(
        write(tmp_path, LINE | {"operation": "read", "properties": ["a", "b"]})
    )
    assert str(read.call()) == "tickets.read of a, b on portal 62515"


def test_creates_that_may_have_been_made_want_a_way_to_find_them(
    tmp_path: Path,
) -> None:
    path = write(tmp_path, LINE, LINE | {"status": "unknown"}, LINE)

    with pytest.raises(SourceError) as refused:
        FailuresSource(path).call()
    assert str(refused.value) == (
        f"{path}: line 2: a create that may have been written already. Delete "
        "the line, or look its record up by a unique property that every record sets. "
        "Use reconcile_by='NAME'."
    )

    source = FailuresSource(path, reconcile_by="ref")
    assert source.call().verb == "create"
    assert [row.doubted for row in source] == [False, True, False]
    assert source.last_doubted == 1


def test_the_doubted_are_known_while_rows_are_read(tmp_path: Path) -> None:
    source = FailuresSource(
        write(tmp_path, LINE, LINE | {"status": "unknown"}), reconcile_by="ref"
    )
    source.fingerprint()
    rows = iter(source)
    next(rows)

    assert source.last_doubted == 1


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([], "empty."),
        ([[1]], "line 1: a list, not a line of a failures file."),
        ([{"id": 1}], 'line 1: no "operation", so this is not a failures file.'),
        ([LINE | {"operation": "details"}], "line 1: no such operation: 'details'."),
        ([LINE | {"operation": ["x"]}], "line 1: no such operation: ['x']."),
        (
            [LINE | {"portal": "x"}],
            "line 1: its portal, object_type, id_property or properties are not valid.",
        ),
        ([LINE | {"properties": "x"}], "line 1: its portal, "),
        ([LINE | {"properties": [1]}], "line 1: its portal, "),
        ([LINE | {"object_type": 1}], "line 1: its portal, "),
        (
            [LINE, LINE | {"operation": "update"}],
            (
                "line 2: a line of tickets.update on portal 62515, but the first line "
                "is of tickets.create on portal 62515. Use one file per call."
            ),
        ),
        (
            [LINE, LINE | {"portal": 5}],
            "line 2: a line of tickets.create on portal 5, but ",
        ),
    ],
)
def test_what_is_no_file_of_failures(
    tmp_path: Path, lines: list[Any], message: str
) -> None:
    path = write(tmp_path, *lines)

    with pytest.raises(SourceError) as refused:
        FailuresSource(path).call()

    assert str(refused.value).startswith(f"{path}: {message}")


async def test_what_was_refused_is_refused_again_until_it_is_edited(
    desk: Desk,
) -> None:
    """NaN would be left out as null, and a time without a zone sent as a string."""
    one = desk.sim.store.create("tickets", {"subject": "old"}).id
    bad = {"closed_date": datetime.fromisoformat("2026-05-31"), "content": float("nan")}
    rows = [{"id": one, "properties": {"subject": "new", **bad}}]
    failed = desk.where / "failed.jsonl"
    await desk.job("update", "tickets", rows, failures=failed, journal=None).run()
    again = desk.where / "again.jsonl"

    done = await Job(
        desk.hub, "update", "tickets", FailuresSource(failed), failures=again
    ).run()

    assert (done.succeeded, done.failed, desk.sent()) == (0, 1, [])
    line = msgspec.json.decode(again.read_bytes())
    assert "2026-05-31 00:00:00 cannot be sent" in line["error"]["message"]
    assert line["input"] == msgspec.json.decode(failed.read_bytes())["input"]
    edited = again.read_text()
    for value in line["input"]["properties"].values():
        if isinstance(value, dict):
            edited = edited.replace(msgspec.json.encode(value).decode(), '""')
    again.write_text(edited)
    done = await Job(desk.hub, "update", "tickets", FailuresSource(again)).run()
    assert done.succeeded == 1

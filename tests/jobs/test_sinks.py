import csv
import io

from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from pathlib import Path
from types import MappingProxyType
from typing import Any

import msgspec
import pytest

from hypothesis import given
from hypothesis import strategies as st

from hubbatch import (
    AssociationSpec,
    ConfigurationError,
    Outcome,
    OutcomeStatus,
    RecordConflict,
    RecordError,
    SimplePublicObject,
    SimplePublicUpsertObject,
)
from hubbatch._wire.endpoints import Operation, operation_for
from hubbatch.jobs import Failures, Records, Results, Row
from hubbatch.jobs.outputs.output_files import BlockSink, Output, Sink
from hubbatch.jobs.outputs.sinks import json_line

from .conftest import Lines


UPDATE = operation_for("objects", "update", "tickets", api_version="v3")
ROW = Row(17, "A-1", {"id": "A-1", "properties": {"subject": "x"}}, 19)


def success(result: Any, record_id: str | None = "512") -> Outcome[Any]:
    status = OutcomeStatus.SUCCEEDED
    return Outcome(
        17, ROW.input, status, record_id, result, None, 1, safe_to_resend=True
    )


def failure(
    error: RecordError | None = None, status: OutcomeStatus = OutcomeStatus.FAILED
) -> Outcome[Any]:
    return Outcome(17, ROW.input, status, None, None, error, 2, safe_to_resend=True)


def read(**options: Any) -> Operation:
    return operation_for("objects", "read", "tickets", api_version="v3", **options)


# ---- results


@pytest.mark.parametrize(
    ("result", "written"),
    [
        (SimplePublicObject("512", {}), b"17,A-1,512,\n"),
        (SimplePublicUpsertObject("512", {}, new=True), b"17,A-1,512,true\n"),
        (SimplePublicUpsertObject("512", {}, new=False), b"17,A-1,512,false\n"),
        (SimplePublicUpsertObject("512", {}), b"17,A-1,512,\n"),
        (None, b"17,A-1,512,\n"),
    ],
)
def test_results_as_csv(result: Any, written: bytes) -> None:
    results = Results("r.csv")

    assert results.begin(None) == b"index,input_id,id,new\n"
    assert results.encode(success(result), ROW) == written
    assert results.encode(failure(), ROW) == b""


def test_results_as_json_lines() -> None:
    results = Results("r.jsonl")

    assert results.begin(None) == b""
    line = results.encode(success(SimplePublicObject("512", {})), ROW)
    assert line == b'{"index":17,"input_id":"A-1","id":"512","new":null}\n'
    assert "r.jsonl" in repr(results)


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
def test_any_name_of_a_row_comes_back_from_results(key: str) -> None:
    line = Results("r.csv").encode(success(None, None), Row(0, key, {}))

    assert [*csv.reader(io.StringIO(line.decode(), newline=""))] == [["0", key, "", ""]]


def test_a_resumed_file_keeps_its_header() -> None:
    assert Results("r.csv").begin(b"\xef\xbb\xbfindex,input_id,id,new\r\n") == b""
    with pytest.raises(ConfigurationError, match="not those of this job"):
        Results("r.csv").begin(b"id,subject\n")


# ---- records


def test_records_as_csv_can_be_read_by_an_update() -> None:
    operation = read(properties=("subject", "content"), id_property="ref")
    records = Records("o.csv", operation)
    record = SimplePublicObject(
        "512", {"content": "a,b", "subject": None, "ref": "A-1", "createdate": "…"}
    )

    assert records.begin(None) == b"id,subject,content,ref\n"
    assert records.encode(success(record), ROW) == b'512,,"a,b",A-1\n'


def test_other_addresses_of_a_contact_are_no_column_unless_asked_for() -> None:
    def columns(*properties: str) -> bytes:
        operation = operation_for(
            "objects",
            "read",
            "contacts",
            api_version="v3",
            id_property="email",
            properties=properties,
        )
        return Records("o.csv", operation).begin(None)

    assert columns("firstname") == b"id,firstname,email\n"
    asked = b"id,hs_additional_emails,email\n"
    assert columns("hs_additional_emails") == asked


def test_records_as_json_lines_have_hubspots_shape() -> None:
    created = datetime(2026, 9, 14, tzinfo=UTC)
    record = SimplePublicObject("512", {"subject": None}, created)

    line = Records("o.jsonl", read()).encode(success(record), ROW)

    assert msgspec.json.decode(line) == {
        "id": "512",
        "properties": {"subject": None},
        "createdAt": "2026-09-14T00:00:00.000Z",
    }
    assert line.endswith(b"\n")
    assert Records("o.jsonl", read()).encode(failure(), ROW) == b""


def test_records_that_cannot_be_written() -> None:
    with pytest.raises(ConfigurationError, match="Name them with --property"):
        Records("o.csv", read())
    with pytest.raises(ConfigurationError, match="only a read has output"):
        Records("o.csv", UPDATE)


# ---- failures


def test_a_failure_has_all_that_is_needed_to_send_it_again() -> None:
    error = RecordConflict(
        "taken",
        category="CONFLICT",
        code="CONFLICTING_UNIQUE_VALUE",
        context={"ids": ["5"]},
    )
    error.existing_id = "5"
    operation = operation_for(
        "objects", "update", "tickets", api_version="v3", id_property="ref"
    )
    failures = Failures("f.jsonl", operation, legacy=False)
    failures.portal_id = 62515

    line = failures.encode(failure(error), ROW)

    assert failures.begin(None) == b""
    assert msgspec.json.decode(line) == {
        "index": 17,
        "operation": "update",
        "object_type": "tickets",
        "input": {"id": "A-1", "properties": {"subject": "x"}},
        "status": "failed",
        "error": {
            "category": "CONFLICT",
            "message": "taken",
            "code": "CONFLICTING_UNIQUE_VALUE",
            "context": {"ids": ["5"]},
            "origin": "hubspot",
            "existing_id": "5",
        },
        "attempts": 2,
        "input_id": "A-1",
        "line": 19,
        "portal": 62515,
        "id_property": "ref",
    }
    assert [*msgspec.json.decode(line)][:7] == [
        "index",
        "operation",
        "object_type",
        "input",
        "status",
        "error",
        "attempts",
    ]
    assert failures.encode(success(None), ROW) == b""
    assert "f.jsonl" in repr(failures)


@pytest.mark.parametrize(
    ("operation", "legacy", "more"),
    [
        (UPDATE, False, {}),
        (operation_for("legacy", "update", "tickets"), True, {"legacy": True}),
        (read(properties=("a", "b")), False, {"properties": ["a", "b"]}),
        (
            operation_for(
                "objects", "create", "tickets", api_version="v3", reconcile_by="ref"
            ),
            False,
            {},
        ),
    ],
)
def test_a_failure_has_what_the_input_lacks(
    operation: Operation, *, legacy: bool, more: dict[str, object]
) -> None:
    line = Failures("f.jsonl", operation, legacy=legacy).encode(failure(), ROW)

    told = msgspec.json.decode(line)
    assert [*told][10:] == [*more]
    assert told | more == told
    assert told["error"] is None


def test_a_failed_record_that_is_no_json_is_written_all_the_same() -> None:
    """It failed because of its content; its line must be written all the same."""

    class Stage(Enum):
        NEW = "1"

    record = {
        "id": 2**70,
        "properties": {
            "text": "\udc80",
            "number": Decimal("1.5"),
            "day": date(2026, 9, 14),
            "stage": Stage.NEW,
            "several": {"b", "a"},
            "tuple": (1, 2.5, None),
            "big": 5,
        },
    }
    line = Failures("f.jsonl", UPDATE, legacy=False).encode(
        failure(), Row(0, None, record)
    )

    told = msgspec.json.decode(line)["input"]
    assert told["id"] == str(2**70)
    properties = told["properties"]
    for name in ("text", "tuple"):  # they could not be sent, and still cannot
        [[mark, shown]] = properties.pop(name).items()
        assert (mark, "cannot be sent" in shown) == ("unsendable", True)
    assert properties == {
        "number": "1.5",
        "day": "2026-09-14",
        "stage": "1",
        "several": "a;b",
        "big": 5,
    }


def test_a_name_that_is_no_text_does_not_take_its_line_with_it() -> None:
    error = RecordError("bad", category="X", context={"ids": ["\udc80"]})
    row = Row(0, "A\udc80", {"id": "A\udc80", "properties": {"n": 5}})

    line = Failures("f.jsonl", UPDATE, legacy=False).encode(failure(error), row)

    told = msgspec.json.decode(line)
    assert (told["input_id"], told["error"]["context"]) == ("A?", {"ids": ["?"]})
    assert "A\\udc80 cannot be sent" in told["input"]["id"]["unsendable"]
    result = Results("r.jsonl").encode(success(None), row)
    assert msgspec.json.decode(result)["input_id"] == "A?"


def test_pythons_values_are_written_as_json() -> None:
    value = {
        "number": Decimal("1.5"),
        "set": {"b", "a"},
        "frozen": MappingProxyType({"a": 1}),
        "spec": AssociationSpec("HUBSPOT_DEFINED", 16),
    }

    assert msgspec.json.decode(json_line(value)) == {
        "number": "1.5",
        "set": ["a", "b"],
        "frozen": {"a": 1},
        "spec": {"association_category": "HUBSPOT_DEFINED", "association_type_id": 16},
    }


# ---- whole chunks


@pytest.mark.parametrize(
    "sink",
    [
        Results("r.csv"),
        Results("r.jsonl"),
        Records("o.csv", read(properties=["subject", "n"])),
        Records("o.jsonl", read()),
        Failures("f.jsonl", UPDATE, legacy=False),
    ],
    ids=repr,
)
def test_the_lines_of_a_chunk_are_those_of_its_rows(sink: BlockSink) -> None:
    values = ["a", "", None, "a,b", 'say "x"', "1\r2", "1\n2", "ü", "\udc80"]
    rows = [Row(n, value, {"id": n}, n) for n, value in enumerate(values)]
    outcomes = [
        success(SimplePublicObject(f"{n}", {"subject": value}), value)
        for n, value in enumerate(values)
    ]
    one_by_one = b"".join(map(sink.encode, outcomes, rows))

    assert sink.encode_successes(outcomes, rows) == one_by_one
    output = Output(sink).encode_successes(outcomes, rows)
    assert output == (one_by_one, len(rows))


def test_a_sink_may_have_no_way_to_write_chunks() -> None:
    sink = Lines(Path("lines.txt"))
    rows = [Row(n, None, {}) for n in (17, 17)]
    lines = Output(sink).encode_successes([success(None), success(None)], rows)
    assert lines == (b"17 succeeded\n" * 2, 2)


# ---- names


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Results("r.txt"), "r.txt: results must be .csv or .jsonl."),
        (lambda: Records("o", read()), "o: output must be .csv or .jsonl."),
        (
            lambda: Failures("f.csv", UPDATE, legacy=False),
            "f.csv: failures must be .jsonl.",
        ),
    ],
)
def test_the_suffix_decides_how_a_file_is_written(make: Any, message: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        make()

    assert str(refused.value) == message


def test_they_are_sinks() -> None:
    """Mypy checks the protocol; their roles are the names in the journal."""
    sinks: list[Sink] = [
        Results(Path("r.csv")),
        Failures(Path("f.jsonl"), UPDATE, legacy=False),
        Records(Path("o.jsonl"), read()),
    ]

    assert [sink.name for sink in sinks] == ["results", "failures", "output"]

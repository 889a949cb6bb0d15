import gzip
import sys
import tracemalloc

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import openpyxl
import pytest

from hubbatch import ConfigurationError
from hubbatch._tables.column_mapping import ColumnMapping
from hubbatch.jobs import (
    Columns,
    PairColumns,
    Row,
    SourceError,
    XlsxSource,
    open_source,
)


UPDATE = Columns(verb="update")
LEAP_DAY = datetime(2024, 2, 29)  # noqa: DTZ001 -- as Excel has it


def workbook(
    path: Path, *rows: Sequence[Any], **sheets: Sequence[Sequence[Any]]
) -> Path:
    """Write a workbook; `sheets` are those after the first."""
    book = openpyxl.Workbook()
    assert book.active is not None
    for sheet, content in [
        (book.active, rows),
        *((book.create_sheet(name), content) for name, content in sheets.items()),
    ]:
        for row in content:
            sheet.append(row)
    book.save(path)
    return path


def test_cells_keep_their_meaning(tmp_path: Path) -> None:
    path = workbook(
        tmp_path / "t.xlsx",
        ["id", "subject", "amount", "share", "paid", "day", "note"],
        [512.0, "a", 1234567, 0.1 + 0.2, True, LEAP_DAY, None],
        [],
        [513, "b", 1e-7, -2.5, False, date(2024, 3, 1), "0042"],
    )

    rows = [*XlsxSource(path, UPDATE)]

    assert rows == [
        Row(
            0,
            "512",
            {
                "id": "512",
                "properties": {
                    "subject": "a",
                    "amount": "1234567",
                    "share": "0.3",
                    "paid": "true",
                    "day": date(2024, 2, 29),
                },
            },
            2,
        ),
        Row(
            1,
            "513",
            {
                "id": "513",
                "properties": {
                    "subject": "b",
                    "amount": "0.0000001",
                    "share": "-2.5",
                    "paid": "false",
                    "day": date(2024, 3, 1),
                    "note": "0042",
                },
            },
            4,
        ),
    ]


def test_a_time_needs_a_zone_if_it_is_sent(tmp_path: Path) -> None:
    moment = LEAP_DAY + timedelta(hours=12, minutes=30)
    path = workbook(tmp_path / "t.xlsx", ["id", "at", "a"], [1, moment, "x"])

    with pytest.raises(SourceError) as refused:
        XlsxSource(path, UPDATE).fingerprint()
    assert str(refused.value) == (
        f'{path}: row 1 (line 2): column "at": 2024-02-29 12:30:00 has no time zone. '
        "Use timezone='Europe/Berlin'."
    )

    [row] = XlsxSource(path, UPDATE, timezone="UTC")
    assert row.input["properties"]["at"] == moment.replace(tzinfo=UTC)
    [row] = XlsxSource(path, Columns(verb="update", properties=["a"]))
    assert row.input == {"id": "1", "properties": {"a": "x"}}


def test_a_time_of_day_and_a_duration_are_text(tmp_path: Path) -> None:
    path = workbook(
        tmp_path / "t.xlsx", ["id", "at", "took"], [1, time(9, 5), timedelta(hours=30)]
    )
    [row] = XlsxSource(path, UPDATE)
    assert row.input["properties"] == {"at": "09:05:00", "took": "1 day, 6:00:00"}


def test_empty_cells_keep_or_clear(tmp_path: Path) -> None:
    path = workbook(
        tmp_path / "t.xlsx", ["id", "a", "b"], [1, None, None], [2, "", "x"]
    )

    kept = [row.input["properties"] for row in XlsxSource(path, UPDATE)]
    clear = Columns(verb="update", empty="clear")
    cleared = [row.input["properties"] for row in XlsxSource(path, clear)]

    assert kept == [{}, {"b": "x"}]
    assert cleared == [{"a": "", "b": ""}, {"a": "", "b": "x"}]


def test_a_formula_without_a_result_is_refused_if_it_is_sent(tmp_path: Path) -> None:
    path = workbook(tmp_path / "t.xlsx", ["id", "a", "b"], [1, "#N/A", "x"])

    with pytest.raises(SourceError, match='column "a": #N/A, a formula without'):
        XlsxSource(path, UPDATE).fingerprint()
    [row] = XlsxSource(path, Columns(verb="update", properties=["b"]))
    assert row.input["properties"] == {"b": "x"}


def test_the_only_sheet_with_rows_is_read(tmp_path: Path) -> None:
    path = workbook(tmp_path / "t.xlsx", Notes=[["id"], [7]], Empty=[])
    assert [row.key for row in XlsxSource(path, UPDATE)] == ["7"]

    both = workbook(tmp_path / "t.xlsx", ["id"], [1], Notes=[["x"]])
    with pytest.raises(
        SourceError, match=r"2 sheets have rows \(Sheet, Notes\)\. Hide"
    ):
        XlsxSource(both, UPDATE).fingerprint()

    book = openpyxl.load_workbook(both)
    book["Notes"].sheet_state = "hidden"
    book.save(both)
    assert [row.key for row in XlsxSource(both, UPDATE)] == ["1"]


def test_a_wrong_size_of_the_sheet_loses_nothing(tmp_path: Path) -> None:
    """Some programs write that a sheet has one cell."""
    path = workbook(tmp_path / "t.xlsx", ["id", "a"], [1, "x"])
    wrong = tmp_path / "wrong.xlsx"
    with ZipFile(path) as old, ZipFile(wrong, "w") as new:
        for name in old.namelist():
            content = old.read(name).replace(b'ref="A1:B2"', b'ref="A1"')
            new.writestr(name, content)

    assert [row.input for row in XlsxSource(wrong, UPDATE)] == [
        {"id": "1", "properties": {"a": "x"}}
    ]


@pytest.mark.parametrize(
    ("rows", "columns", "problem"),
    [
        ([], UPDATE, "empty."),
        (
            [["Record ID", "a"]],
            UPDATE,
            ("no column \"id\" (has: Record ID, a). Use id_column='Record ID'."),
        ),
        (
            [["id"], [1, None], [2, "x"]],
            UPDATE,
            "row 2 (line 3): 2 cells, but there is one column.",
        ),
        (
            [["id", None], [1, 2]],
            UPDATE,
            "row 1 (line 2): 2 cells, but there is one column.",
        ),
        (
            [["from"], [1]],
            PairColumns(),
            'no column "to_id" or "to" (has: from). Use to_column=\'NAME\'.',
        ),
    ],
)
def test_what_is_not_a_table_is_refused(
    tmp_path: Path, rows: list[Any], columns: ColumnMapping, problem: str
) -> None:
    path = workbook(tmp_path / "t.xlsx", *rows)
    with pytest.raises(SourceError) as refused:
        XlsxSource(path, columns).fingerprint()
    assert str(refused.value) == f"{path}: {problem}"


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("t.xlsx", b"id,a\n1,x\n", "not an Excel workbook: File is not a zip file."),
        ("t.xlsx", None, "No such file or directory."),
        ("t.xlsx.gz", b"id", "not compressed by gzip, or damaged: "),
        (
            "t.xlsx.gz",
            gzip.compress(b"id")[:-2],
            "not compressed by gzip, or damaged: ",
        ),
        ("t.parquet.gz", b"id", "not a Parquet file: "),
        ("t.csv.gz", b"id", "not compressed by gzip, or damaged: "),
        (
            "t.csv.gz",
            gzip.compress(b"id\n1\n")[:-2],
            "not compressed by gzip, or damaged: ",
        ),
    ],
)
def test_a_file_that_cannot_be_opened(
    tmp_path: Path, name: str, content: bytes | None, problem: str
) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SourceError) as refused:
        open_source(path, UPDATE).fingerprint()
    assert str(refused.value).startswith(f"{path}: {problem}")


def test_a_changed_file_has_another_fingerprint(tmp_path: Path) -> None:
    path = workbook(tmp_path / "t.xlsx", ["id", "a"], [1, "x"])
    source = XlsxSource(path, UPDATE)
    first = source.fingerprint()
    assert source.length() == 1
    workbook(path, ["id", "a"], [1, "x"], [2, "y"])

    assert source.fingerprint() != first
    assert source.length() == 2


def test_without_openpyxl_the_message_names_the_extra(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "openpyxl", None)
    with pytest.raises(ConfigurationError, match=r'pip install "hubbatch\[xlsx\]"'):
        XlsxSource("t.xlsx", UPDATE)


def test_memory_does_not_grow_with_the_sheet(tmp_path: Path) -> None:
    def peak(count: int) -> int:
        path = tmp_path / "t.xlsx"
        book = openpyxl.Workbook(write_only=True)
        sheet = book.create_sheet()
        sheet.append(["id", "a", "b"])
        for number in range(count):
            sheet.append([number, number / 3, "the same"])
        book.save(path)
        source = XlsxSource(path, UPDATE)
        tracemalloc.start()
        try:
            assert sum(1 for _ in source) == count
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    assert peak(4_000) < 2 * peak(400)

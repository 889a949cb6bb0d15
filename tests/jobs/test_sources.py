import asyncio
import codecs
import csv
import hashlib
import io
import os
import re

from collections.abc import Callable, Iterator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import msgspec
import pytest

from hypothesis import given
from hypothesis import strategies as st

from hubbatch import ConfigurationError
from hubbatch.jobs import (
    Columns,
    CsvSource,
    JsonLinesSource,
    ParquetSource,
    Row,
    SourceError,
    SqliteSource,
    StandardInput,
    open_source,
)


UPDATE = Columns(verb="update")
Write = Callable[[str, bytes], Path]


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    monkeypatch.chdir(tmp_path)

    def write(name: str, content: bytes) -> Path:
        Path(name).write_bytes(content)
        return Path(name)

    return write


def update(record_id: str, **properties: Any) -> dict[str, object]:
    return {"id": record_id, "properties": properties}


# ---- CSV


def test_rows_have_their_places_and_lines(write: Write) -> None:
    path = write("t.csv", b'id,subject\n\n7,"two\nlines"\n,\n8,x\n')

    assert [*CsvSource(path, UPDATE)] == [
        Row(0, "7", update("7", subject="two\nlines"), 3),
        Row(1, "8", update("8", subject="x"), 6),
    ]


@pytest.mark.parametrize(
    ("content", "options"),
    [
        ("id,subject\r\n7,Füße\r\n".encode(), {}),
        ("id,subject\n7,Füße".encode("utf-8-sig"), {}),
        ("id,subject\n7,Füße\n".encode("cp1252"), {"encoding": "cp1252"}),
        ("id,subject\n7,Füße\n".encode("utf-16"), {"encoding": "utf-16"}),
        ("id;subject\n7;Füße\n".encode(), {"delimiter": ";"}),
    ],
)
def test_how_a_csv_may_be_written(
    write: Write, content: bytes, options: dict[str, str]
) -> None:
    """With or without a byte order mark, with any line endings and encoding."""
    [row] = CsvSource(write("t.csv", content), UPDATE, **options)

    assert row.input == update("7", subject="Füße")


cells = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)


@given(st.lists(st.tuples(cells, cells), min_size=1))
def test_what_the_csv_module_writes_is_read_again(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str]]
) -> None:
    path = tmp_path_factory.mktemp("csv") / "t.csv"
    text = io.StringIO(newline="")
    csv.writer(text).writerows([("id", "subject"), *rows])
    path.write_bytes(text.getvalue().encode())

    source = CsvSource(path, UPDATE)

    assert [row.input for row in source] == [
        update(*row[:1], subject=row[1]) for row in rows
    ]
    assert source.length() == len(rows)


def test_the_longest_text_of_hubspot_passes(write: Write) -> None:
    text = "ü" * 200_000
    path = write("t.csv", f"id,content\n7,{text}\n".encode())

    assert [row.input for row in CsvSource(path, UPDATE)] == [update("7", content=text)]


def test_a_header_and_no_rows(write: Write) -> None:
    """It is a table too: `read` writes it for a type without records."""
    source = CsvSource(write("t.csv", b"id,subject\n"), UPDATE)

    assert [*source] == []
    assert source.length() == 0
    assert len(source.fingerprint()) == 64


def test_a_wrong_delimiter_is_answered_with_the_one_that_the_header_has(
    write: Write,
) -> None:
    path = write("t.csv", b"\nid;subject\n7;a\n")
    with pytest.raises(SourceError) as refused:
        CsvSource(path, UPDATE, delimiter=",").fingerprint()
    assert str(refused.value) == ("t.csv: one column, 'id;subject'. Use delimiter=';'.")

    ids = write("t.csv", b"id\n7\n")
    assert [row.key for row in CsvSource(ids, UPDATE, delimiter=";")] == ["7"]


def test_a_declared_delimiter_is_read_and_its_line_counted(write: Write) -> None:
    path = write("t.csv", b"\xef\xbb\xbfsep=^\r\nid^subject\r\n7^a;b\r\n")
    rows = [Row(0, "7", update("7", subject="a;b"), 3)]
    assert [*CsvSource(path, UPDATE)] == rows
    assert [*CsvSource(path, UPDATE, delimiter="^")] == rows


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "t.csv: empty."),
        (b"\n\n", "t.csv: empty."),
        (b"ref\n", """t.csv: no column "id" (has: ref). Use id_column='NAME'."""),
        (
            b"ID,subject\n1,x\n",
            """t.csv: no column "id" (has: ID, subject). Use id_column='ID'.""",
        ),
        (
            b'id,subject\n7,"a\nb"\n8,x,y\n9,z\n',
            "t.csv: row 2 (line 4): 3 cells, but there are 2 columns.",
        ),
        (b"id\n7,\n", "t.csv: row 1 (line 2): 2 cells, but there is one column."),
        (
            b"id,subject\n7,a\n8,x \xe9 \xfc\n",
            (
                "t.csv: row 2 (line 3): not UTF-8 (byte 5 of the line is 0xe9). "
                "Use encoding='cp1252'."
            ),
        ),
        (
            b"id,sub\xe9ct\n7,a\n",
            ("t.csv: not UTF-8 (byte 7 of the line is 0xe9). Use encoding='cp1252'."),
        ),
        (
            "id,subject\n7,a\n".encode("utf-16"),
            ("t.csv: not UTF-8 (byte 1 of the line is 0xff). Use encoding='utf-16'."),
        ),
        (
            b'id,subject\n7,a\n8,"b\n9,c\n',
            "t.csv: row 2 (line 3): a quote is opened and never closed.",
        ),
        (
            b'id,subject\n7,"a" b\n',
            "t.csv: row 1 (line 2): not CSV: ',' expected after '\"'.",
        ),
        (b'"id,subject\n', "t.csv: the header: a quote is opened and never closed."),
    ],
)
def test_a_file_that_is_not_csv_is_refused_in_one_line(
    write: Write, content: bytes, message: str
) -> None:
    """The whole file is read before its fingerprint is returned."""
    path = write("t.csv", content)

    with pytest.raises(SourceError) as refused:
        CsvSource(path, UPDATE).fingerprint()

    assert str(refused.value) == message


def test_an_encoding_that_the_file_is_not_in(write: Write) -> None:
    path = write("t.csv", "id,subject\n7,a\n".encode("utf-16")[:-1])

    with pytest.raises(SourceError, match=r"^t\.csv: not utf-16: "):
        CsvSource(path, UPDATE, encoding="utf-16").length()


@pytest.mark.parametrize(
    ("before", "problem"),
    [
        ("id,subject\n7,a\n8,b\n", "not utf-16: "),
        ("id,subject\n7,a\n8,b\n9,c,d\n", "row 3 (line 4): 3 cells"),
        ("subject\n", 'no column "id"'),
    ],
)
def test_the_first_problem_of_a_file_is_reported(
    write: Write, before: str, problem: str
) -> None:
    path = write("t.csv", (before + "10,e\n").encode("utf-16")[:-1])
    source = CsvSource(path, UPDATE, encoding="utf-16")
    rows: list[Row] = []
    with pytest.raises(SourceError, match=re.escape(f"t.csv: {problem}")):
        rows.extend(source)
    assert [row.key for row in rows] == ["7", "8"][: before.count("\n8") * 2]


@pytest.mark.parametrize("name", ["nowhere.csv", "folder.csv"])
def test_a_file_that_cannot_be_opened(write: Write, name: str) -> None:
    write("t.csv", b"")
    Path("folder.csv").mkdir()

    with pytest.raises(SourceError, match=rf"^{name}: .+\.$"):
        CsvSource(name, UPDATE).fingerprint()


def test_the_fingerprint_is_of_the_content_alone(write: Write) -> None:
    content = b"id,subject\n" + b"7,x\n" * 50_000
    one = CsvSource(write("a.csv", content), UPDATE)
    other = CsvSource(write("b.csv", content), Columns(verb="create", empty="clear"))

    assert (
        one.fingerprint() == other.fingerprint() == hashlib.sha256(content).hexdigest()
    )
    assert one.options != other.options
    assert msgspec.json.decode(msgspec.json.encode(one.options)) == one.options


def test_a_file_is_read_line_by_line(write: Write) -> None:
    """Its first rows come although a later line is not a row."""
    rows = iter(CsvSource(write("t.csv", b"id,a\n7,b\n8,c,d\n"), UPDATE))

    assert next(rows).key == "7"
    with pytest.raises(SourceError, match="row 2"):
        next(rows)


@pytest.mark.parametrize("delimiter", ["", ";;", '"', "\n"])
def test_no_such_delimiter(delimiter: str) -> None:
    with pytest.raises(ConfigurationError, match="delimiter"):
        CsvSource("t.csv", UPDATE, delimiter=delimiter)


# ---- JSON lines


def test_json_lines(write: Write) -> None:
    path = write("t.jsonl", b'\xef\xbb\xbf{"id": 7, "a": "b"}\r\n\n {"id": "8"}')
    source = JsonLinesSource(path, UPDATE)

    assert [*source] == [
        Row(0, "7", {"id": 7, "properties": {"a": "b"}}, 1),
        Row(1, "8", {"id": "8", "properties": {}}, 3),
    ]
    assert source.length() == 2
    assert source.fingerprint() == hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize("content", [b"", b"\n \n", b"\xef\xbb\xbf"])
def test_a_file_without_a_line_has_no_rows(write: Write, content: bytes) -> None:
    """A read writes this if there are no records; no column is missing."""
    columns = Columns(verb="update", properties=["subject"])
    source = JsonLinesSource(write("t.jsonl", content), columns)

    assert source.length() == 0
    assert [*source] == []


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'{"id": 1}\n{"id": }\n', "t.jsonl: line 2: not JSON: "),
        (
            '{"id": 1, "ü" 2}'.encode(),
            "t.jsonl: line 1: not JSON: expected ':' (column 15).",
        ),
        (b'{"id": 1', "t.jsonl: line 1: not JSON: it ends within a value."),
        (b'{"id": "\\ud8', "t.jsonl: line 1: not JSON: it ends within a value."),
        (b'{"id": "\\ud800"}', "t.jsonl: line 1: not JSON: half a surrogate pair."),
        (b"[" * 5_000, "t.jsonl: line 1: not JSON: nested too deeply."),
        (b'{"id": 1e999}', "t.jsonl: line 1: not JSON: Number out of range."),
        (
            b"[\n",
            (
                "t.jsonl: line 1: not a complete JSON value. Write one object per "
                "line, or name the file .json."
            ),
        ),
        (b"[1]", "t.jsonl: line 1: a list, not an object."),
        (
            b'{"id": 1}\n\n{"id": 1, "a": "\xe9"}\n',
            (
                "t.jsonl: line 3: not UTF-8 (byte 17 of the line is 0xe9). "
                "Use encoding='cp1252'."
            ),
        ),
        (
            b'{"ref": 1}\n',
            """t.jsonl: line 1: no column "id" (has: ref). Use id_column='NAME'.""",
        ),
    ],
)
def test_lines_that_are_not_json_are_refused(
    write: Write, content: bytes, message: str
) -> None:
    with pytest.raises(SourceError) as refused:
        JsonLinesSource(write("t.jsonl", content), UPDATE).fingerprint()

    assert str(refused.value).startswith(message)


def test_a_column_that_no_line_has(write: Write) -> None:
    path = write("t.jsonl", b'{"id": 1, "subject": "x"}\n')
    columns = Columns(verb="update", properties=["sbject"])

    with pytest.raises(SourceError, match=r'^t\.jsonl: no line has "sbject"\.$'):
        JsonLinesSource(path, columns).fingerprint()


# ---- which


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("t.csv", CsvSource),
        ("T.CSV", CsvSource),
        ("t.jsonl", JsonLinesSource),
        ("t.ndjson", JsonLinesSource),
        ("-", StandardInput),
    ],
)
def test_the_suffix_decides_the_kind_of_source(name: str, kind: type) -> None:
    source = open_source(name, UPDATE)

    assert type(source) is kind
    assert source.name == name
    assert kind.__name__ in repr(source)


def test_another_kind_of_file() -> None:
    with pytest.raises(
        ConfigurationError, match=r"^t\.xls\.gz: expected \.csv, \.tsv, \.jsonl, "
    ):
        open_source("t.xls.gz", UPDATE)


def test_an_unknown_encoding() -> None:
    with pytest.raises(ConfigurationError, match="'utf-88'"):
        open_source("t.csv", UPDATE, encoding="utf-88")


# ---- standard input


@pytest.fixture
def pipe(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.FileIO]:
    """Replaces standard input with a pipe."""
    ours, theirs = os.pipe()
    monkeypatch.setattr("hubbatch.jobs.sources.stdin._STDIN", ours)
    with io.FileIO(theirs, "w") as writer, io.FileIO(ours):
        yield writer


def test_a_file_that_was_edited_is_another_one(write: Write) -> None:
    """A job that waits for the next day continues with its source."""
    source = CsvSource(write("t.csv", b"id,a\n1,x\n"), UPDATE)
    first = source.fingerprint()
    assert source.fingerprint() == first

    write("t.csv", b"id,a\n1,x\n2,y\n")

    assert source.fingerprint() != first
    assert source.length() == 2
    Path("t.csv").unlink()
    with pytest.raises(SourceError, match="No such file"):
        source.fingerprint()


def test_the_source_of_a_table(write: Write) -> None:
    path = write("t.PARQUET", b"")
    database = write("t.db", b"")

    source = open_source(path, UPDATE, timezone="Europe/Berlin")
    assert isinstance(source, ParquetSource)
    assert source.options["timezone"] == "Europe/Berlin"
    assert repr(source) == "<ParquetSource 't.PARQUET'>"
    assert isinstance(open_source(database, UPDATE, query="SELECT 1"), SqliteSource)


@pytest.mark.parametrize(
    ("name", "query"),
    [("t.csv", None), ("t.jsonl", None), ("-", None), ("t.parquet", "SELECT")],
)
def test_every_source_knows_the_zone_of_its_times(name: str, query: str | None) -> None:
    source = open_source(name, UPDATE, query=query, timezone="UTC")

    assert source.options["timezone"] == "UTC"
    with pytest.raises(ConfigurationError, match="Unknown time zone 'Mars'"):
        open_source(name, UPDATE, query=query, timezone="Mars")


async def test_rows_come_as_they_are_written(pipe: io.FileIO) -> None:
    source = StandardInput(UPDATE)
    async with aclosing(aiter(source)) as rows:  # type: ignore[type-var] # a generator
        pipe.write('{"id": 7, "a": "ü'.encode()[:-1])
        first = asyncio.ensure_future(anext(rows))
        await asyncio.sleep(0.01)
        assert not first.done()

        pipe.write('ü"}\n\n{"id": 8}'.encode()[1:])
        assert await first == Row(0, "7", {"id": 7, "properties": {"a": "ü"}}, 1)

        pipe.close()
        assert await anext(rows) == Row(1, "8", {"id": 8, "properties": {}}, 3)
        with pytest.raises(StopAsyncIteration):
            await anext(rows)


async def test_it_can_be_read_once(pipe: io.FileIO) -> None:
    source = StandardInput(UPDATE)
    pipe.write(b'{"id": 7}\n')
    pipe.close()

    assert [row.key async for row in source] == ["7"]
    with pytest.raises(SourceError, match="second time"):
        await anext(aiter(source))


@pytest.mark.parametrize(
    ("content", "encoding", "message"),
    [
        (b"", "utf-8", "Standard input: empty."),
        (b'{"id": 1}\noops\n', "utf-8", "Standard input: line 2: not JSON: "),
        (b'{"id": "\xe9"}', "utf-8", "Standard input: line 1: not UTF-8 (byte 9 "),
        (
            codecs.BOM_UTF16_LE + b"{",
            "utf-16",
            "Standard input: not utf-16: ",
        ),
    ],
)
async def test_a_bad_line_of_it(
    pipe: io.FileIO, content: bytes, encoding: str, message: str
) -> None:
    """It raises when it arrives, after the rows before it."""
    pipe.write(content)
    pipe.close()

    with pytest.raises(SourceError) as refused:
        async for _ in StandardInput(UPDATE, encoding=encoding):
            pass

    assert str(refused.value).startswith(message)


async def test_a_standard_input_that_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hubbatch.jobs.sources.stdin._STDIN", 2**30)

    with pytest.raises(SourceError, match=r"^Standard input: Bad file descriptor\.$"):
        await anext(aiter(StandardInput(UPDATE)))


def test_a_stopped_job_does_not_wait_for_input(pipe: io.FileIO) -> None:
    """A stopped job ends although its standard input stays open."""

    async def give_up() -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await anext(aiter(StandardInput(UPDATE)))
        pipe.write(b"late")
        await asyncio.sleep(0.01)

    asyncio.run(give_up())


def test_a_pipe_is_no_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "t.csv")

    with pytest.raises(SourceError, match=r"t\.csv: a pipe, but a file is read twice"):
        CsvSource(tmp_path / "t.csv", UPDATE).fingerprint()

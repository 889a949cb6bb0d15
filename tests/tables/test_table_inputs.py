"""Tables as inputs of a verb."""

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa  # type: ignore[import-untyped]
import pytest

from hypothesis import given
from hypothesis import strategies as st

from hubbatch import ConfigurationError
from hubbatch._tables.table_inputs import (
    StreamRows,
    TableRows,
    is_table,
    open_table,
    table_inputs,
)
from hubbatch._wire.endpoints import operation_for


UPDATE = operation_for("objects", "update", "contacts")
UPSERT = operation_for("objects", "upsert", "contacts", id_property="email")
CREATE = operation_for("objects", "create", "contacts", reconcile_by="email")
READ = operation_for("objects", "read", "contacts")
LOCAL = datetime(2026, 5, 31, 12)  # noqa: DTZ001 -- a time without a zone


def numbers(count: int, **more: Any) -> Any:
    ids = [str(n) for n in range(count)]
    return pa.table({"id": ids, "n": pa.array(range(count)), **more})


class Query:
    """A query, as DuckDB has them: it has a length, and cannot be sliced."""

    def __init__(self, data: Any) -> None:
        self.data = data
        self.columns = data.column_names
        self.runs = 0

    def __len__(self) -> int:
        raise AssertionError("counting the rows would run the query")

    def limit(self, count: int) -> "Query":
        return Query(self.data.slice(0, count))

    def __arrow_c_stream__(self, requested_schema: object = None) -> Any:
        self.runs += 1
        return self.data.__arrow_c_stream__(requested_schema)


class Frame:
    """A pandas data frame, as far as it is used here."""

    def __init__(self, data: dict[str, list[Any]], index: str | None = None) -> None:
        self.data = data
        self.index = type("Index", (), {"names": [index]})()
        self.columns = [*data]
        self.converted: list[int] = []

    def __len__(self) -> int:
        return len(next(iter(self.data.values())))

    def __arrow_c_stream__(self, requested_schema: object = None) -> Any:
        return pa.table(self.data).__arrow_c_stream__(requested_schema)

    @property
    def iloc(self) -> Any:
        frame = self

        class Places:
            def __getitem__(self, place: Any) -> Frame:
                if isinstance(place, tuple):  # all rows of some columns
                    names = [frame.columns[column] for column in place[1]]
                    return Frame({name: frame.data[name] for name in names})
                frame.converted.append(place.stop - place.start)
                cut = {name: values[place] for name, values in frame.data.items()}
                return Frame(cut, frame.index.names[0])

        return Places()

    @property
    def dtypes(self) -> list[str]:
        kinds = [{*map(type, values)} for values in self.data.values()]
        return ["object" if len(kind) > 1 else "str" for kind in kinds]

    def reset_index(self) -> "Frame":
        return Frame({str(self.index.names[0]): ["i"] * len(self), **self.data})

    def to_dict(self, orient: str) -> list[dict[str, Any]]:
        assert orient == "records"
        return [
            dict(zip(self.data, row, strict=True))
            for row in zip(*self.data.values(), strict=True)
        ]


def open_rows(table: Any) -> TableRows:
    *_, rows = open_table(table)
    assert isinstance(rows, TableRows)
    return rows


# ---- rows


@given(
    st.integers(0, 2_500),
    st.slices(2_500),
    st.lists(st.integers(0, 2_499), max_size=5),
)
def test_a_table_is_a_sequence_of_its_rows(
    count: int, cut: slice, places: list[int]
) -> None:
    table = numbers(count)
    rows, expected = table_inputs(table, UPDATE), table.to_pylist()

    assert isinstance(rows, TableRows)
    assert len(rows) == count
    assert [*rows] == expected
    assert [*rows[cut]] == expected[cut]
    assert len(rows[cut]) == len(expected[cut])
    for place in places:
        if place < count:
            assert rows[place] == expected[place]
            assert rows[place - count] == expected[place]
    with pytest.raises(IndexError):
        rows[count]


@given(st.integers(0, 2_500), st.integers(0, 2_500), st.slices(2_500))
def test_the_rest_of_an_iteration_is_what_it_has_not_yielded(
    count: int, taken: int, cut: slice
) -> None:
    table = numbers(count)
    rows = iter(open_rows(table)[cut])
    expected = table.to_pylist()[cut]

    first = [*islice(rows, taken)]

    assert first == expected[:taken]
    assert [*rows.rest()] == expected[taken:]
    assert [*rows] == [*rows.rest()] == []


def test_few_rows_are_built_at_a_time() -> None:
    """A wide table has shorter blocks; what is left out is not built."""
    narrow = Frame({"id": [*map(str, range(5_000))], "n": [*range(5_000)]})
    names = [f"p{n}" for n in range(2_000)]
    wide = Frame({name: [1] * 50 for name in ("id", *names)})

    for frame, most in ((narrow, 1_000), (wide, 9)):
        rows = iter(open_rows(frame))
        frame.converted.clear()  # the look at its columns
        next(rows)
        assert frame.converted == [most]
        assert len(rows.rest()) == len(frame) - 1
        assert frame.converted == [most]


def test_a_query_runs_when_it_is_read() -> None:
    """Until then its connection is free, and its rows are not counted."""
    query = Query(numbers(3))

    rows = table_inputs(query, UPDATE)

    assert isinstance(rows, StreamRows)
    assert query.runs == 0
    assert [*rows] == numbers(3).to_pylist()
    assert query.runs == 1


def test_a_reader_is_read_once() -> None:
    batches = numbers(30).to_batches(max_chunksize=7)
    reader = pa.RecordBatchReader.from_batches(batches[0].schema, iter(batches))

    assert [*table_inputs(reader, UPDATE)] == numbers(30).to_pylist()


def test_a_column_of_several_types_comes_value_by_value() -> None:
    """pandas can have one; Arrow has no type for it."""
    data: dict[str, list[Any]] = {
        "x": [1, "a", None, float("nan")],
        "when": [LOCAL] * 4,
    }

    names, schema, found = open_table(Frame(data, "id"))

    assert (names, schema.names) == (["when", "x"], ["when"])
    assert [*found] == [
        {"id": "i", "x": value, "when": LOCAL} for value in (1, "a", None, None)
    ]
    *_, found = open_table(Frame(data))
    assert next(iter(found)) == {"x": 1, "when": LOCAL}


def test_what_arrow_cannot_read_is_raised() -> None:
    class Broken:
        def __arrow_c_stream__(self, requested_schema: object = None) -> Any:
            raise pa.ArrowInvalid("broken")

    class Sliced(Broken):
        def __len__(self) -> int:
            return 5

        def slice(self, _start: int, _length: int) -> "Sliced":
            return self

    for table in (Broken(), Sliced()):
        with pytest.raises(ValueError, match="broken"):
            table_inputs(table, UPDATE)
    rows = TableRows(lambda *_: Sliced(), 5, range(5))
    with pytest.raises(ValueError, match="broken"):
        next(iter(rows))


# ---- what is a table


def test_a_column_is_no_table_but_a_collection_of_ids() -> None:
    class Series:
        def __arrow_c_stream__(self, requested_schema: object = None) -> Any:
            raise NotImplementedError

        def __iter__(self) -> Iterator[str]:
            return iter(["1"])

    assert not is_table(Series())
    assert not is_table(pa.chunked_array([["1"]]))
    assert not is_table([{"id": 1}])
    assert is_table(numbers(1))
    assert is_table(Query(numbers(1)))
    assert is_table(pa.record_batch({"id": [1]}))


# ---- checks


@pytest.mark.parametrize(
    ("operation", "table", "problem"),
    [
        (UPDATE, pa.table([[1], [2]], ["a", "a"]), "two columns .* named 'a'"),
        (UPDATE, pa.table({"ID": [1], "a": [1]}), r'no column "id" \(it has: ID, a\)'),
        (UPSERT, pa.table({"a": [1]}), 'no column "email" or "id"'),
        (READ, pa.table({"a": [1]}), 'no column "id"'),
        (
            operation_for("objects", "upsert", "contacts"),
            pa.table({"id": [1]}),
            'pass id_property="email"',
        ),
        (UPDATE, numbers(1, t=[LOCAL]), "times in column 't' have no time zone"),
        (UPDATE, numbers(1, t=[[LOCAL]]), "times in column 't' have no time zone"),
        (CREATE, numbers(1, email=[LOCAL]), "'email' have no time zone"),
        (
            operation_for("associations", "create_default", "contacts", "companies"),
            pa.table({"from": [1]}),
            'no column "to_id" or "to"',
        ),
    ],
)
def test_a_table_that_cannot_be_sent_is_refused(
    operation: Any, table: Any, problem: str
) -> None:
    with pytest.raises(ValueError, match=problem):
        table_inputs(table, operation)


def test_a_table_that_can_be_sent_is_not() -> None:
    berlin = operation_for(
        "objects", "update", "contacts", zone=ZoneInfo("Europe/Berlin")
    )
    pairs = operation_for("associations", "archive", "contacts", "companies")
    aware = LOCAL.replace(tzinfo=UTC)
    index = pa.table({"id": [1], "__index_level_0__": [LOCAL]})
    shaped = pa.table({"properties": [{"email": "a@x"}]})

    for operation, table, rows in (
        (UPDATE, numbers(1, t=[aware]), [{"t": aware}]),
        (berlin, numbers(1, t=[LOCAL]), [{"t": LOCAL}]),
        (READ, numbers(1, t=[LOCAL]), [{"t": LOCAL}]),
        (UPDATE, index, [{"id": 1}]),
        (UPSERT, shaped, shaped.to_pylist()),
        (CREATE, pa.table({"a": [1]}), [{"a": 1}]),
        (pairs, pa.table({"from": [1], "to": [2]}), [{"from": 1, "to": 2}]),
    ):
        [row], [expected] = [*table_inputs(table, operation)], rows
        assert {**row, **expected} == row
        assert "__index_level_0__" not in row


def test_a_verb_without_rows_takes_no_table() -> None:
    create = operation_for("properties", "create", "contacts")

    with pytest.raises(TypeError, match="takes no table"):
        table_inputs(numbers(1), create)


def test_pyarrow_is_named_when_it_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    def without(name: str) -> Any:
        raise ModuleNotFoundError(name)

    monkeypatch.setattr("hubbatch._tables.arrow.import_module", without)

    with pytest.raises(ConfigurationError, match=r"hubbatch\[parquet\]"):
        table_inputs(numbers(1), UPDATE)

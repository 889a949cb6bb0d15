import gzip
import json
import tracemalloc

from pathlib import Path
from typing import Any

import pytest

from hypothesis import given
from hypothesis import strategies as st

from hubbatch.jobs import Columns, JsonArraySource, Row, SourceError, open_source
from hubbatch.jobs.sources.json_array import _Items


UPDATE = Columns(verb="update")


def source(folder: Path, content: str | bytes, verb: Any = "update") -> JsonArraySource:
    path = folder / "t.json"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return JsonArraySource(path, Columns(verb=verb))


def test_items_are_flat_or_in_hubspots_shape(tmp_path: Path) -> None:
    rows = [
        *source(
            tmp_path,
            '\ufeff[{"id": 7, "subject": "a"},\n\n {"id": "8",\n "properties": '
            '{"x": "ü"}}\n]\n',
        )
    ]

    assert rows == [
        Row(0, "7", {"id": 7, "properties": {"subject": "a"}}, 1),
        Row(1, "8", {"id": "8", "properties": {"x": "ü"}}, 3),
    ]


def test_an_array_of_ids_and_an_empty_one(tmp_path: Path) -> None:
    assert [row.input for row in source(tmp_path, "[1, 23]", "read")] == [1, 23]
    empty = source(tmp_path, " [ ] ")
    assert (empty.length(), len(empty.fingerprint())) == (0, 64)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "line 1: empty."),
        (b" \n\n", "line 1: empty."),
        (
            b'{"id": 1}\n{"id": 2}',
            (
                "line 1: an object, not an array. Write an array of objects, or name a "
                "file with one object per line .jsonl."
            ),
        ),
        (b'"x"', "line 1: not JSON: expected an array of objects, not '\"x\"'."),
        (b'[{"id": 1}', "line 1: the file ends within the array."),
        (b'[{"id": 1},\n{"id": 2', "line 2: not JSON: Expecting ',' delimiter."),
        (b'[{"id": 1},\n', "line 2: not JSON: Expecting value."),
        (b'[{"id": 1},]', "line 1: not JSON: Expecting value."),
        (
            b'[{"id": 1}\n{"id": 2}]',
            (
                "line 2: not JSON: expected a comma or the end of the array, not "
                "'{\"id\": 2}]'."
            ),
        ),
        (
            b'[{"id": 1}]\n[]',
            "line 2: not JSON: more after the end of the array, not '[]'.",
        ),
        (b'[{"id": 1, "a": NaN}]', "line 1: not JSON: NaN is no JSON."),
        (b"[" * 200_000, "line 1: not JSON: nested too deeply."),
        (b"[[1]]", "line 1: a list, not an object."),
        (
            b'[{"id": 1},{"id": 2,\n "a": "\xe9"}]',
            ("line 2: not UTF-8 (byte 8 of the line is 0xe9). Use encoding='cp1252'."),
        ),
        (
            b'[\n{"Record ID": 1}]',
            ("line 2: no column \"id\" (has: Record ID). Use id_column='Record ID'."),
        ),
    ],
)
def test_what_is_not_an_array_of_rows_is_refused(
    tmp_path: Path, content: bytes, problem: str
) -> None:
    with pytest.raises(SourceError) as refused:
        source(tmp_path, content).fingerprint()

    assert str(refused.value).endswith(problem)


def test_an_item_that_never_ends_is_refused_before_it_fills_the_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hubbatch.jobs.sources.json_array._LONGEST_ITEM", 200_000)
    with pytest.raises(SourceError, match="an item that is too long: "):
        source(tmp_path, '[{"id": "' + "x" * 900_000).fingerprint()


def test_a_column_that_no_item_has(tmp_path: Path) -> None:
    path = tmp_path / "t.json"
    path.write_text('[{"id": 1}]')
    columns = Columns(verb="update", properties=["subject"])
    with pytest.raises(SourceError, match='no item has "subject"'):
        open_source(path, columns).fingerprint()


@given(
    st.lists(
        st.recursive(
            st.none()
            | st.booleans()
            | st.integers(-(10**20), 10**20)
            | st.floats(allow_nan=False, allow_infinity=False)
            | st.text(max_size=5),
            lambda inner: (
                st.lists(inner, max_size=2)
                | st.dictionaries(st.text(max_size=3), inner, max_size=2)
            ),
            max_leaves=6,
        ),
        max_size=5,
    ),
    st.sampled_from([None, 1]),
    st.integers(1, 7),
)
def test_items_are_the_same_in_pieces_of_any_size(
    items: list[Any], indent: int | None, size: int
) -> None:
    text = json.dumps(items, indent=indent, ensure_ascii=False)

    class Pieces:
        """A file that returns a few characters at a time."""

        at = 0

        def read(self, _size: int) -> str:
            block = text[self.at : self.at + size]
            self.at += size
            return block

    assert [*_Items(Pieces(), "utf-8")] == items  # type: ignore[arg-type] # only read


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    def peak(count: int) -> int:
        path = tmp_path / "t.json.gz"
        with gzip.open(path, "wt") as file:
            file.write("[")
            file.write(
                ",\n".join(f'{{"id": {n}, "a": "{"x" * 100}"}}' for n in range(count))
            )
            file.write("]")
        opened = JsonArraySource(path, UPDATE)
        tracemalloc.start()
        try:
            assert sum(1 for _ in opened) == count
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    assert peak(20_000) < 2 * peak(2_000)

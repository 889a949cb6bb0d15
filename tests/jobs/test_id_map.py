from pathlib import Path

import pytest

from hubbatch import ConfigurationError
from hubbatch._wire.property_values import Unsendable
from hubbatch.jobs import CsvSource, IdMap, PairColumns

from .test_pairs import pairs_of, write


def test_ids_are_translated_by_results_of_both_kinds(tmp_path: Path) -> None:
    one = write(tmp_path / "a.csv", "index,input_id,id,new", "0,A-1,71,", "1,,72,")
    two = write(
        tmp_path / "b.jsonl",
        '{"index": 0, "input_id": "A-2", "id": "73", "new": true}',
        '{"index": 1, "input_id": null, "id": "74"}',
        "",
    )
    ids = IdMap.read([one, two])
    path = write(tmp_path / "p.csv", "from,to", "A-1,5", "A-2,6", "A-3,7", ",8")

    found = pairs_of(CsvSource(path, PairColumns(from_map=ids)))

    lost = Unsendable("'A-3' has no new id in a.csv, b.jsonl")
    assert [one for one, *_ in found] == ["71", "73", lost, ""]
    assert [other for _, other, _ in found] == ["5", "6", "7", "8"]
    assert "71" not in repr(ids)


def test_ids_of_several_lines(tmp_path: Path) -> None:
    """An id may be any string; Python's other line separators do not end a row."""
    one = write(tmp_path / "a.csv", "input_id,id", '"A', '1",71', "B\u20281,72")
    two = write(tmp_path / "b.jsonl", '{"input_id": "C\u20281", "id": "73"}')

    ids = IdMap.read([one, two]).ids

    assert ids == {"A\n1": "71", "B\u20281": "72", "C\u20281": "73"}


@pytest.mark.parametrize(
    ("name", "lines", "words"),
    [
        ("a.csv", ("input_id,id", "A,1", "A,2"), "'A' has two new ids"),
        ("a.csv", ("index,id", "0,1"), "expected the columns input_id and id"),
        ("a.jsonl", ("5",), "not a results file"),
        ("a.jsonl", ("{",), "not a results file"),
        ("a.csv", ("input_id,id", '"A"x,"'), "not a results file"),
        ("none/a.csv", None, "No such file"),
    ],
)
def test_results_that_are_none(
    tmp_path: Path, name: str, lines: tuple[str, ...] | None, words: str
) -> None:
    if lines is not None:
        write(tmp_path / name, *lines)
    with pytest.raises(ConfigurationError, match=words):
        IdMap.read([tmp_path / name])


def test_other_results_are_another_job(tmp_path: Path) -> None:
    """A job must not resume with ids that mean something else."""
    one = write(tmp_path / "a.csv", "input_id,id", "A,1")
    options = PairColumns(from_map=IdMap.read([one])).options()
    write(one, "input_id,id", "A,2")

    assert PairColumns(from_map=IdMap.read([one])).options() != options
    assert PairColumns(to_map=IdMap.read([one])).options()["from_map"] is None

from pathlib import Path
from typing import Any

import pytest

from hubbatch import ConfigurationError
from hubbatch._tables.column_mapping import BadRow
from hubbatch._wire.property_values import Unsendable
from hubbatch.jobs import (
    CsvSource,
    FailuresSource,
    JsonLinesSource,
    PairColumns,
    SourceError,
    by_label,
    find_type,
)
from hubbatch.models import AssociationSpec, AssociationSpecWithLabel

from .conftest import Desk, Table


PAIRS = "associations.contacts.companies"


def write(path: Path, *lines: str) -> Path:
    path.write_text("".join(f"{line}\n" for line in lines))
    return path


def pairs_of(source: CsvSource | JsonLinesSource) -> list[tuple[Any, Any, str | None]]:
    return [(row.input["from"]["id"], row.input["to"]["id"], row.key) for row in source]


@pytest.mark.parametrize(
    ("name", "lines"),
    [
        ("p.csv", ("from_id,to_id,note", "1,2,x", "3,4", "5")),
        ("p.csv", ("to,x,from", "2,x,1", "4,,3", ",,5")),
        (
            "p.jsonl",
            (
                '{"from": 1, "to": 2}',
                '{"from": {"id": "3"}, "to": {"id": "4"}}',
                '{"from": 5, "to": ""}',
            ),
        ),
    ],
)
def test_pairs_of_a_file(tmp_path: Path, name: str, lines: tuple[str, ...]) -> None:
    path = write(tmp_path / name, *lines)
    kind = CsvSource if name.endswith(".csv") else JsonLinesSource

    found = pairs_of(kind(path, PairColumns()))

    texts = [(str(one), str(other), key) for one, other, key in found]
    assert texts == [("1", "2", "1:2"), ("3", "4", "3:4"), ("5", "", "5:")]


def test_columns_that_are_not_there(tmp_path: Path) -> None:
    path = write(tmp_path / "p.csv", "from,b", "1,2")
    words = r"""no column "to_id" or "to" \(has: from, b\)\. Use to_column='NAME'"""

    with pytest.raises(SourceError, match=words):
        CsvSource(path, PairColumns()).fingerprint()
    with pytest.raises(SourceError, match='no column "a"'):
        CsvSource(path, PairColumns(from_column="a", to_column="b")).fingerprint()
    assert pairs_of(CsvSource(path, PairColumns(to_column="b"))) == [("1", "2", "1:2")]


def test_a_line_that_is_no_pair(tmp_path: Path) -> None:
    path = write(tmp_path / "p.jsonl", "5")
    with pytest.raises(SourceError, match="line 1: a number, not an object"):
        JsonLinesSource(path, PairColumns()).fingerprint()


# ---- as what


KINDS = [
    AssociationSpecWithLabel("HUBSPOT_DEFINED", 279, None),
    AssociationSpecWithLabel("USER_DEFINED", 30, "Buyer"),
    AssociationSpecWithLabel("USER_DEFINED", 31, "Twin"),
    AssociationSpecWithLabel("USER_DEFINED", 32, "Twin"),
]


def test_kinds_by_label_and_by_number() -> None:
    assert find_type(KINDS, label="Buyer") == AssociationSpec("USER_DEFINED", 30)
    assert find_type(KINDS, type_id=279) == AssociationSpec("HUBSPOT_DEFINED", 279)
    with pytest.raises(
        ConfigurationError, match=r"No association type is 'buyer'\. .*30 \(Buyer\)"
    ):
        find_type(KINDS, label="buyer")
    with pytest.raises(
        ConfigurationError, match="More than one association type is 'Twin'"
    ):
        find_type(KINDS, label="Twin")
    with pytest.raises(ConfigurationError, match="No association type is 5"):
        find_type(KINDS, type_id=5)


# ---- as a job


LABELLED = PairColumns(label_column="labels", labels=by_label(KINDS))


def types_of(shaped: Any) -> list[int]:
    return [one["associationTypeId"] for one in shaped[1]["types"]]


def test_labels_row_by_row() -> None:
    """As a read of associations writes them; an empty one is the default type."""
    shape = LABELLED.of_cells(["from_id", "to_id", "labels"])

    assert types_of(shape(["1", "2", "Buyer"])) == [30]
    assert types_of(shape(["1", "2", " Buyer ;Buyer"])) == [30]
    for cells in (["1", "2", ""], ["1", "2"]):
        assert types_of(shape(cells)) == [279]
    line = {"from": {"id": 1}, "to": {"id": 2}, "labels": None}
    assert types_of(LABELLED.of_fields().build(line)) == [279]
    assert LABELLED.used(["to", "from", "labels", "x"]) == {"to", "from", "labels"}
    assert LABELLED.options()["label_column"] == "labels"


def test_labels_that_say_nothing() -> None:
    """A label of two types is ambiguous."""
    shape = LABELLED.of_cells(["from", "to", "labels"])

    for label in ("Seller", "Twin"):
        with pytest.raises(BadRow, match=f'the label "{label}"; the labels are: Buyer'):
            shape(["1", "2", label])
    with pytest.raises(BadRow, match="has no label; there are no labels"):
        PairColumns(label_column="x").pair("1", "2")
    with pytest.raises(BadRow, match='no column "labels"'):
        LABELLED.of_cells(["from", "to"])


async def test_pairs_are_associated_and_taken_apart(desk: Desk) -> None:
    store = desk.sim.store
    people = [store.create("contacts", {"email": f"{n}@x.example"}) for n in range(3)]
    firm = store.create("companies", {"name": "one"})
    rows: list[Any] = [
        {"from": {"id": one.id}, "to": {"id": firm.id}} for one in people
    ]
    rows.append({"from": {"id": Unsendable("'A' is gone")}, "to": {"id": firm.id}})
    failures = desk.where / "f.jsonl"

    done = await desk.job("create_default", PAIRS, Table(rows), failures=failures).run()

    assert (done.succeeded, done.failed) == (3, 1)
    linked = store.links.linked(("0-2", firm.id), "0-1")
    assert {*linked} == {one.id for one in people}
    assert "from: 'A' is gone" in failures.read_text()
    assert '"from":{"id":{"unsendable":' in failures.read_text()
    call = FailuresSource(failures).call()
    assert (call.verb, call.object_type) == ("create_default", PAIRS)

    apart = await desk.job("archive", PAIRS, rows[:2], journal=None, results=None).run()

    assert apart.succeeded == 2
    assert {*store.links.linked(("0-2", firm.id), "0-1")} == {people[2].id}


@pytest.mark.parametrize(
    ("verb", "kind"),
    [("upsert", PAIRS), ("create", "associations.contacts"), ("create_default", "x")],
)
def test_jobs_that_there_are_not(desk: Desk, verb: str, kind: str) -> None:
    with pytest.raises(ConfigurationError):
        desk.job(verb, kind, [])

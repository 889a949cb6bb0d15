import pickle

from pathlib import Path
from typing import Any

import pytest

from hubbatch import ConfigurationError, RateLimit
from hubbatch._wire.endpoints import operation_for
from hubbatch.jobs import (
    CheckFailed,
    CheckReport,
    Columns,
    CsvSource,
    Schema,
    check,
)
from hubbatch.models import Property, PropertyOption

from .conftest import Desk, Table, tickets


SCHEMA = [
    Property("subject", type="string"),
    Property("ref", type="string", has_unique_value=True),
    Property("size", type="number"),
    Property(
        "stage",
        type="enumeration",
        field_type="select",
        options=[PropertyOption("One", "1")],
    ),
]
UPDATE = operation_for("objects", "update", "tickets", api_version="v3")
UPSERT = operation_for(
    "objects", "upsert", "tickets", api_version="v3", id_property="ref"
)
CREATE = operation_for("objects", "create", "tickets", api_version="v3")


def row(record_id: Any, **properties: Any) -> dict[str, Any]:
    return {"id": record_id, "properties": properties}


def found(report: CheckReport) -> list[tuple[str, str | None, bool, int]]:
    return [
        (one.code, one.property_name, one.certain, one.rows) for one in report.findings
    ]


async def test_rows_are_counted_once_whatever_is_wrong_with_them() -> None:
    table = Table(
        [
            row(1, subject="fine", size=1.5, stage="1"),
            row(2, size="x", stage="2", nothing="x"),
            row(3, size="y"),
            row(4, subject=" x"),
            row("", subject="x"),
            row("0001", subject="again"),
        ]
    )

    report = await check(table, UPDATE, SCHEMA)

    assert (report.rows, report.refused, report.doubtful, report.calls) == (6, 3, 2, 1)
    assert found(report) == [
        ("INVALID_INTEGER", "size", True, 2),
        ("INVALID_OPTION", "stage", True, 1),
        ("PROPERTY_DOESNT_EXIST", "nothing", True, 1),
        ("INVALID_INPUT", "id", True, 1),
        ("OUTER_WHITE_SPACE", "subject", False, 1),
        ("REPEATED_ID", None, False, 1),
    ]
    assert not report.ok
    [(where, message)] = report.findings[-1].examples
    assert where is not None
    assert (where.index, where.line) == (5, 7)
    assert message == "has the id of row 1; it is sent later, so its values win"


async def test_an_upsert_by_what_is_not_unique() -> None:
    """The call is wrong, but no row is."""
    upsert = operation_for(
        "objects", "upsert", "tickets", api_version="v3", id_property="subject"
    )
    report = await check(Table([row("a")]), upsert, SCHEMA)

    assert found(report) == [("NOT_UNIQUE", "subject", False, 0)]
    assert report.ok


async def test_creates_that_share_a_unique_value() -> None:
    rows = [{"properties": {"ref": ref, "subject": "x"}} for ref in ("a", "b", "A", "")]

    report = await check(Table(rows), CREATE, SCHEMA)

    assert found(report) == [("REPEATED_VALUE", "ref", True, 1)]
    assert report.findings[0].examples[0][1] == (
        'has the "ref" of row 1, and it is unique'
    )


async def test_reads_ask_for_properties_in_vain() -> None:
    read = operation_for(
        "objects", "read", "tickets", api_version="v3", properties=("size", "x")
    )

    report = await check(Table([1, 1]), read, SCHEMA)

    assert found(report) == [("PROPERTY_DOESNT_EXIST", "x", False, 0)]


async def test_the_older_shape_is_checked_too() -> None:
    """`crm-objects/v1` has properties in a list."""
    rows = [{"objectId": 1, "properties": [{"name": "size", "value": "x"}]}]

    report = await check(
        Table(rows), operation_for("legacy", "update", "tickets"), SCHEMA
    )

    assert found(report) == [("INVALID_INTEGER", "size", True, 1)]


async def test_what_the_job_takes() -> None:
    """19,000 rows are 190 calls: a burst of 50, the rest within the window."""
    table = Table([row(n) for n in range(1, 19_001)])

    report = await check(table, UPDATE, SCHEMA, rate=RateLimit(190), daily=1_900)
    some = await check(table, UPDATE, SCHEMA, limit=150)

    assert (report.calls, report.share_of_day) == (190, 0.1)
    assert 9 < report.seconds < 11
    assert (some.rows, some.calls, some.share_of_day) == (150, 2, None)


async def test_only_some_examples_are_kept() -> None:
    """Rows with the same message are one example."""
    wrong = [row(n, size=f"x{n % 7}") for n in range(100)]
    report = await check(Table([*wrong, row(""), row("")]), UPDATE, SCHEMA)

    sizes, ids = report.findings
    assert (sizes.rows, ids.rows) == (100, 2)
    assert [one.index for one, _ in sizes.examples if one is not None] == [*range(5)]
    assert len(ids.examples) == 1


# ---- before a job


async def test_a_preflight_stops_a_job_before_anything_is_sent(desk: Desk) -> None:
    rows = [*tickets(range(3)), {"properties": {"subjekt": "x"}}]
    job = desk.job("create", "tickets", Table(rows), preflight=True)

    with pytest.raises(
        CheckFailed, match=r"1 of 4 rows.*row 4.*did you mean"
    ) as caught:
        await job.run()

    assert desk.sent() == []
    assert caught.value.report.refused == 1
    again = pickle.loads(pickle.dumps(caught.value))  # noqa: S301
    assert (str(again), again.report.rows) == (str(caught.value), 4)


async def test_a_preflight_lets_a_job_begin_and_does_not_look_again(desk: Desk) -> None:
    table = Table(tickets(range(150)))

    first = await desk.job("create", "tickets", table, preflight=True).run()
    second = await desk.job("create", "tickets", table, preflight=True).run()

    assert (first.succeeded, second.already_finished) == (150, True)
    asked = [one.path for one in desk.sim.requests if "properties" in one.path]
    assert asked == ["/crm/v3/properties/tickets"]


async def test_a_preflight_by_a_schema_of_ones_own(desk: Desk) -> None:
    """No request is sent; a list can be read twice, a generator cannot."""
    schema = [Property("subject", type="number")]
    rows = [{"properties": {"subject": "x"}}]

    with pytest.raises(CheckFailed, match="of 1 rows"):
        await desk.job("create", "tickets", rows, preflight=schema, journal=None).run()
    with pytest.raises(ConfigurationError, match="only once"):
        await desk.job("create", "tickets", iter(rows), preflight=schema).run()
    assert desk.sent() == []


async def test_a_preflight_that_fails_for_the_call(desk: Desk) -> None:
    """No row is wrong by itself, but all would be refused."""
    job = desk.job(
        "upsert", "tickets", Table([row("a")]), id_property="no", preflight=SCHEMA
    )

    with pytest.raises(CheckFailed, match=r'0 of 1 rows.*\(property "no"'):
        await job.run()


async def test_a_file_is_checked_by_its_lines(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text('ref,subject,size\na,"two\nlines",1\nb,x,many\n')
    columns = Columns(verb="upsert", id_property="ref")

    report = await check(CsvSource(tmp_path / "t.csv", columns), UPSERT, SCHEMA)

    [(where, _)] = report.findings[0].examples
    assert where is not None
    assert (where.index, where.line) == (1, 4)


# ---- ids, and what new records must have


@pytest.mark.parametrize(("verb", "certain"), [("update", True), ("archive", False)])
async def test_an_id_that_is_no_number(verb: Any, certain: bool) -> None:  # noqa: FBT001 -- a parameter
    operation = operation_for("objects", verb, "tickets", api_version="v3")
    rows = [row("abc", subject="x"), row("12", subject="x")]
    given = rows if verb == "update" else [one["id"] for one in rows]

    report = await check(Table(given), operation, SCHEMA)

    assert found(report) == [("NO_RECORD_ID", None, certain, 1)]


async def test_the_value_of_a_property_is_no_record_id() -> None:
    report = await check(Table([row("abc", subject="x")]), UPSERT, SCHEMA)

    assert found(report) == []


@pytest.mark.parametrize(("name", "certain"), [("2-55", True), ("tickets", False)])
async def test_what_a_new_record_lacks(name: str, certain: bool) -> None:  # noqa: FBT001 -- a parameter
    """The schema of a standard type lists more than HubSpot insists on."""
    create = operation_for("objects", "create", name, api_version="v3")
    rows = [{"properties": {"subject": text, "ref": ref}} for text, ref in ("ab", "a ")]
    rows[1]["properties"].pop("ref")

    report = await check(Table(rows), create, Schema(SCHEMA, ["ref"]))

    assert found(report) == [("REQUIRED_PROPERTY", "ref", certain, 1)]

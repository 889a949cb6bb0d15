"""How tables of a dlt pipeline map to HubSpot, without dlt."""

from collections.abc import Mapping
from typing import Any

import pytest

from hypothesis import given
from hypothesis import strategies as st

from hubbatch._tables.column_mapping import BadRow
from hubbatch.errors import ConfigurationError
from hubbatch.integrations._dlt.tables import HINT, Table, hint, read_table


def schema(
    *columns: str, key: tuple[str, ...] = (), told: Any = None, **more: Any
) -> dict[str, Any]:
    hints = {name: {"primary_key": name in key} for name in columns}
    given = {"name": "contacts", "columns": hints, **more}
    return given if told is None else {**given, HINT: told}


def build(table: Table, row: Mapping[str, Any]) -> Any:
    return table.columns.of_fields().build(row)


def adapted(**options: Any) -> dict[str, Any]:
    nothing = dict.fromkeys(
        ("object_type", "id_property", "id_column", "properties", "reconcile_by")
    )
    return hint(**{"verb": "upsert", **nothing, **options})


def test_table_is_upserted_by_its_primary_key() -> None:
    table = read_table(schema("_dlt_id", "email", "name", key=("email",)))
    assert (table.verb, table.object_type) == ("upsert", "contacts")
    assert table.id_property == "email"
    key, given = build(table, {"email": "a", "name": "A", "_dlt_id": "x"})
    assert key == "a"
    assert given == {"id": "a", "properties": {"name": "A"}}
    assert table.columns.options()["id_column"] == "email"


def test_first_row_need_not_have_all_columns() -> None:
    """dlt leaves NULLs out; a row without a key fails later, by itself."""
    table = read_table(schema("email", "name", key=("email",)))
    builder = table.columns.of_fields()
    assert builder.build({"name": "A"}) == (
        None,
        {"id": None, "properties": {"name": "A"}},
    )
    assert builder.build({"email": "b"}) == (
        "b",
        {"id": "b", "properties": {"name": None}},
    )
    assert not builder.unseen


def test_row_in_the_shape_of_hubspot() -> None:
    told = adapted(id_property="email")
    table = read_table(schema("id", "properties", "associations", told=told))
    row = {"id": "a", "properties": {"name": "A"}, "associations": None}
    assert build(table, row) == ("a", {"id": "a", "properties": {"name": "A"}})


@pytest.mark.parametrize(
    ("told", "given"),
    [
        (adapted(verb="update"), {"id": 1, "properties": {"a": 2, "b": 3}}),
        (
            adapted(verb="update", properties=["b"]),
            {"id": 1, "properties": {"b": 3}},
        ),
        (
            adapted(verb="update", properties={"a": "A", "not_in_this_load": "C"}),
            {"id": 1, "properties": {"A": 2}},
        ),
        (
            adapted(verb="update", id_column="a"),
            {"id": 2, "properties": {"key": 1, "b": 3}},
        ),
        (adapted(verb="archive"), 1),
        (
            adapted(verb="create", reconcile_by="b"),
            {"properties": {"key": 1, "a": 2, "b": 3}},
        ),
    ],
)
def test_adapted(told: dict[str, Any], given: Any) -> None:
    table = read_table(schema("key", "a", "b", key=("key",), told=told))
    assert build(table, {"key": 1, "a": 2, "b": 3})[1] == given


def test_created_rows_are_named_by_what_they_are_found_by() -> None:
    told = adapted(verb="create", reconcile_by="ref", object_type="tickets")
    table = read_table(schema("id", "ref", key=("id",), told=told))
    assert (table.object_type, table.reconcile_by) == ("tickets", "ref")
    assert build(table, {"id": 1, "ref": "R"}) == (
        "R",
        {"properties": {"ref": "R"}},
    )


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (schema("a", "b"), "primary_key of one column"),
        (schema("a", "b", key=("a", "b")), "primary_key of one column"),
        (schema("a", key=("a",), parent="people"), "nested in 'people'"),
        (schema("a", key=("a",), write_disposition="replace"), "a load cannot replace"),
        (schema("a", key=("a",), **{"x-merge-strategy": "scd2"}), "strategy 'scd2'"),
        (
            schema("a", key=("a",), **{"x-merge-strategy": "insert-only"}),
            "strategy 'insert-only'. Use delete-insert or upsert",
        ),
        (schema("a", key=("a",), told={"verb": "read"}), "verb must be one of"),
        (schema("a", told={"verb": "create"}), "needs reconcile_by"),
        (
            schema("a", told=adapted(verb="update", id_column="b")),
            "has no column 'b' .has: a.",
        ),
        (
            schema("a", "b", key=("a",), told=adapted(properties=["c", "d"])),
            "none of the columns c, d",
        ),
    ],
)
def test_refused(given: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        read_table(given)


@pytest.mark.parametrize("mark", ["hard_delete", "dedup_sort"])
def test_column_that_means_more_than_its_value(mark: str) -> None:
    given = schema("a", "gone", key=("a",))
    given["columns"]["gone"][mark] = True
    with pytest.raises(ConfigurationError, match=f"column 'gone' is a {mark}"):
        read_table(given)


def test_times_without_a_zone_are_refused_where_they_are_sent() -> None:
    """Unless a zone is configured."""
    given = schema("id", "seen", "_dlt_at", told=adapted(verb="update"))
    for name in ("seen", "_dlt_at"):
        given["columns"][name] = {"data_type": "timestamp", "timezone": False}
    with pytest.raises(ConfigurationError, match="times in column 'seen' have no"):
        read_table(given)
    assert read_table(given, "UTC").timezone == "UTC"
    given[HINT] = adapted(verb="archive")
    assert read_table(given).timezone is None


def test_table_without_ids_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="Table 'contacts': no column \"id\""):
        read_table(schema("ref", told=adapted(verb="update")))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"verb": "delete"}, "verb must be one of upsert, update, create, archive"),
        ({"verb": "create"}, "needs reconcile_by"),
        ({"reconcile_by": "a"}, "only a create"),
        ({"verb": "archive", "id_property": "a"}, "archive has no id_property"),
        ({"properties": "a"}, "a collection of names"),
    ],
)
def test_adapter_refuses_what_can_never_be(
    options: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigurationError, match=message):
        adapted(**options)


def test_no_row() -> None:
    table = read_table(schema("a", key=("a",)))
    with pytest.raises(BadRow):
        build(table, [])  # type: ignore[arg-type] # what is tested


_NAMES = st.text("abc_", min_size=1, max_size=4).map(lambda name: f"c{name}")


@given(st.dictionaries(_NAMES, st.integers() | st.none()), st.sets(_NAMES))
def test_no_row_is_sent_with_columns_that_its_table_does_not_have(
    row: dict[str, Any], names: set[str]
) -> None:
    table = read_table(schema("key", "_dlt_id", *names, key=("key",)))
    _, sent = build(table, {"key": "k", "_dlt_id": "d", **row})
    assert sent["id"] == "k"
    assert sent["properties"] == {name: row.get(name) for name in names}

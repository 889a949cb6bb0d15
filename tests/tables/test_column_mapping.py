import pytest

from hypothesis import given
from hypothesis import strategies as st

from hubbatch import ConfigurationError
from hubbatch._tables.column_mapping import (
    BadRow,
    FieldsBuilder,
    added_columns,
    cells_builder,
    reason_column,
)
from hubbatch._wire.property_values import Append
from hubbatch.jobs import Columns


HEADER = ["ref", "subject", "content"]
names = st.text("abcxyz_", min_size=1, max_size=5)
texts = st.text(min_size=1, max_size=5)


def test_every_column_but_the_id_is_a_property() -> None:
    shape = cells_builder(Columns(verb="update", id_column="ref"), HEADER)

    assert shape(["A-1", "Hello", "x"]) == (
        "A-1",
        {"id": "A-1", "properties": {"subject": "Hello", "content": "x"}},
    )


@given(st.dictionaries(names, texts, min_size=1), texts)
def test_what_goes_into_cells_comes_out_as_properties(
    properties: dict[str, str], record_id: str
) -> None:
    header, cells = ["the id", *properties], [record_id, *properties.values()]
    shape = cells_builder(Columns(verb="update", id_column="the id"), header)

    assert shape(cells) == (record_id, {"id": record_id, "properties": properties})


@pytest.mark.parametrize(
    ("columns", "header", "chosen"),
    [
        (Columns(verb="update", id_property="ref"), ["ref", "id"], "ref"),
        (Columns(verb="update", id_property="ref"), ["id", "x"], "id"),
        (Columns(verb="update"), ["ref", "id"], "id"),
        (
            Columns(verb="update", id_property="ref", id_column="id"),
            ["ref", "id"],
            "id",
        ),
        (Columns(verb="create"), ["ref", "id"], "id"),
        (Columns(verb="create"), ["ref"], None),
    ],
)
def test_which_column_is_the_id(
    columns: Columns, header: list[str], chosen: str | None
) -> None:
    """The named column, else the column of the id property, else `id`."""
    assert columns.choose_id(header) == chosen


@pytest.mark.parametrize(
    ("columns", "header", "message"),
    [
        (
            Columns(verb="update"),
            ["ref", "subject"],
            'no column "id" (has: ref, subject)',
        ),
        (
            Columns(verb="update", id_property="key"),
            ["subject", "Record ID"],
            'no column "key" or "id" (has: subject, Record ID)',
        ),
        (
            Columns(verb="create", id_column="key"),
            ["", "subject"],
            'no column "key" (has: "", subject)',
        ),
        (
            Columns(verb="upsert"),
            ["id"],
            "an upsert needs the unique property that the ids are values of",
        ),
        (
            Columns(verb="update", properties=["sbject"]),
            ["id", "subject"],
            'no column "sbject" (has: id, subject)',
        ),
        (Columns(verb="update"), ["id", "x", "x"], 'two columns are named "x"'),
        (Columns(verb="update"), ["id", "x", "id"], 'two columns are named "id"'),
        (
            Columns(verb="update"),
            ["", "id"],
            "column 1 has no name. Name it, or choose the columns to send",
        ),
        (
            Columns(verb="archive"),
            [f"c{n}" for n in range(14)],
            (
                'no column "id" (has: c0, c1, c2, c3, c4, c5, c6, c7, c8, c9, c10, '
                "c11, … 14 in all)"
            ),
        ),
    ],
)
def test_a_header_that_does_not_fit_is_refused(
    columns: Columns, header: list[str], message: str
) -> None:
    with pytest.raises(BadRow) as refused:
        cells_builder(columns, header)

    assert str(refused.value) == message


@pytest.mark.parametrize(
    ("columns", "header", "suggested"),
    [
        (Columns(verb="update"), ["Record ID", "Email"], "Record ID"),
        (Columns(verb="update"), ["hs_object_id", "email"], "hs_object_id"),
        (Columns(verb="update"), ["ID", "email"], "ID"),
        (Columns(verb="read"), ["RECORD-ID"], "RECORD-ID"),
        (Columns(verb="upsert", id_property="email"), ["E-Mail"], "E-Mail"),
        (Columns(verb="upsert", id_property="ext_ref"), ["Ext Ref"], "Ext Ref"),
        (Columns(verb="update", id_column="key"), ["Key ", "a"], "Key "),
        (
            Columns(
                verb="upsert", id_property="domain", labels={"domain": ["Website"]}
            ),
            ["website", "name"],
            "website",
        ),
        # Following any of these would write to the wrong records.
        (Columns(verb="update"), ["order_id", "paid"], "NAME"),
        (Columns(verb="update"), ["Owner ID", "Company ID"], "NAME"),
        (Columns(verb="update", id_property="email"), ["Record ID"], "NAME"),
        (Columns(verb="update", id_property="email"), ["email2", "emails"], "NAME"),
        (Columns(verb="update"), ["Id ", "iD"], "NAME"),
        (Columns(verb="update"), [], "NAME"),
    ],
)
def test_only_another_spelling_of_the_id_column_is_suggested(
    columns: Columns, header: list[str], suggested: str
) -> None:
    with pytest.raises(BadRow) as refused:
        columns.choose_id(header)

    assert refused.value.option == ("id_column", suggested)


def test_columns_that_are_not_sent_may_be_named_twice_or_not_at_all() -> None:
    columns = Columns(verb="update", properties={"s": "subject"})

    shape = cells_builder(columns, ["", "id", "s", "x", "x"])

    assert shape(["0", "7", "a", "b", "c"]) == (
        "7",
        {"id": "7", "properties": {"subject": "a"}},
    )


@pytest.mark.parametrize(
    ("empty", "properties"),
    [("skip", {"content": "x"}), ("clear", {"subject": "", "content": "x"})],
)
def test_an_empty_cell_skips_or_clears(empty: str, properties: dict[str, str]) -> None:
    columns = Columns(verb="update", id_column="ref", empty=empty)  # type: ignore[arg-type] # one of the two

    assert cells_builder(columns, HEADER)(["1", "", "x"])[1]["properties"] == properties


def test_a_cell_that_is_not_there_clears_nothing() -> None:
    columns = Columns(verb="update", id_column="content", empty="clear")

    assert cells_builder(columns, HEADER)(["", "x"]) == (
        None,
        {"id": "", "properties": {"ref": "", "subject": "x"}},
    )


def test_a_create_keeps_its_id_to_itself() -> None:
    columns = Columns(verb="create", id_column="ref")

    assert cells_builder(columns, HEADER)(["A-1", "Hello", ""]) == (
        "A-1",
        {"properties": {"subject": "Hello"}},
    )


@pytest.mark.parametrize(
    "columns",
    [
        Columns(verb="create", id_column="ref", reconcile_by="ref"),
        Columns(verb="create", id_column="ref", properties=["ref", "subject"]),
    ],
)
def test_a_create_sends_its_id_column_if_it_is_named_as_a_property(
    columns: Columns,
) -> None:
    _, made = cells_builder(columns, HEADER)(["A-1", "Hello", ""])

    assert made["properties"] == {"ref": "A-1", "subject": "Hello"}


def test_verbs_that_take_ids_get_nothing_else() -> None:
    columns = Columns(verb="read", id_column="ref", properties=["nowhere"])

    assert cells_builder(columns, HEADER)(["7", "x"]) == ("7", "7")


def test_legacy_calls_the_id_object_id() -> None:
    columns = Columns(verb="update", legacy=True)

    assert cells_builder(columns, ["id", "subject"])(["7", "x"]) == (
        "7",
        {"objectId": "7", "properties": {"subject": "x"}},
    )


@pytest.mark.parametrize(
    ("columns", "line", "shaped"),
    [
        (
            Columns(verb="update"),
            {"id": 7, "subject": "x", "done": True, "content": None},
            (
                "7",
                {
                    "id": 7,
                    "properties": {"subject": "x", "done": True, "content": None},
                },
            ),
        ),
        (
            Columns(verb="update"),
            {"id": "7", "properties": {"a": "b"}, "objectWriteTraceId": "t"},
            ("7", {"id": "7", "properties": {"a": "b"}, "objectWriteTraceId": "t"}),
        ),
        (
            Columns(verb="update", properties={"a": "x"}),
            {"id": "7", "properties": {"a": "b", "c": "d"}, "createdAt": "…"},
            ("7", {"id": "7", "properties": {"x": "b"}}),
        ),
        (
            Columns(verb="upsert", id_property="ref"),
            {"id": "7", "properties": {"ref": "A-1"}, "createdAt": "…"},
            ("A-1", {"id": "A-1", "properties": {"ref": "A-1"}}),
        ),
        (
            Columns(verb="upsert", id_property="ref"),
            {"id": "7", "properties": {"ref": None}, "createdAt": "…"},
            (None, {"id": None, "properties": {"ref": None}}),
        ),
        (
            Columns(verb="update", id_property="ref"),
            {"id": "A-1", "properties": {"ref": "A-2"}},  # gets a new ref
            ("A-1", {"id": "A-1", "properties": {"ref": "A-2"}}),
        ),
        (
            Columns(verb="read", id_property="ref"),
            {"id": "7", "properties": {"ref": "A-1"}, "createdAt": "…"},
            ("A-1", "A-1"),
        ),
        (
            Columns(verb="create"),
            {"id": "mine", "properties": {"a": "b"}, "associations": []},
            ("mine", {"properties": {"a": "b"}, "associations": []}),
        ),
        (Columns(verb="create"), {"a": "b"}, (None, {"properties": {"a": "b"}})),
        (
            Columns(verb="update", legacy=True),
            {"objectId": 7, "properties": [{"name": "a", "value": "b"}]},
            ("7", {"objectId": 7, "properties": [{"name": "a", "value": "b"}]}),
        ),
        (
            Columns(verb="update", legacy=True),
            {"id": 7, "properties": {"a": "b"}},
            ("7", {"objectId": 7, "properties": {"a": "b"}}),
        ),
        (
            Columns(verb="archive"),
            {"id": "7", "properties": {"a": "b"}, "url": "…"},
            ("7", "7"),
        ),
        (
            Columns(verb="archive", id_column="hs_id"),
            {"id": "8", "hs_id": "7", "properties": {"a": "b"}},
            ("7", "7"),
        ),
        (Columns(verb="read"), {"id": "7", "a": "b"}, ("7", "7")),
        (Columns(verb="read"), 7, ("7", 7)),
        (Columns(verb="read"), "A-1", ("A-1", "A-1")),
    ],
)
def test_what_a_json_line_may_be(
    columns: Columns, line: object, shaped: tuple[str | None, object]
) -> None:
    """Flat, in HubSpot's shape (also of a response), or a bare id."""
    assert FieldsBuilder(columns).build(line) == shaped


@pytest.mark.parametrize(
    ("verb", "line", "message"),
    [
        ("update", [1], "a list, not an object"),
        ("update", 7, "a number, not an object"),
        ("update", "7", "a string, not an object"),
        ("read", True, "a boolean, not an object"),
        ("read", None, "null, not an object"),
        ("read", 7.0, "a number, not an object"),
        ("update", {"ref": 1}, 'no column "id" (has: ref)'),
        ("update", {}, 'no column "id" (has: )'),
    ],
)
def test_what_a_json_line_may_not_be(verb: str, line: object, message: str) -> None:
    with pytest.raises(BadRow) as refused:
        FieldsBuilder(Columns(verb=verb)).build(line)  # type: ignore[arg-type] # one of the verbs

    assert str(refused.value) == message


def test_the_first_flat_line_decides_which_field_is_the_id() -> None:
    builder = FieldsBuilder(Columns(verb="update", id_property="ref"))
    builder.build({"ref": "A", "a": "b"})

    key, given = builder.build({"id": "7", "a": "b"})

    assert key is None
    assert given == {"id": None, "properties": {"a": "b"}}


@pytest.mark.parametrize(
    ("columns", "sent", "used"),
    [
        (Columns(verb="upsert", id_property="email"), {"a": "b"}, {"a", "email"}),
        (Columns(verb="update", id_column="email"), {"a": "b"}, {"a", "email"}),
        (Columns(verb="create", id_column="email"), {"a": "b"}, {"a"}),
        (
            Columns(verb="create", reconcile_by="email"),
            {"email": "e", "a": "b"},
            {"a", "email"},
        ),
        (
            Columns(verb="upsert", id_property="email", properties={"id": "old"}),
            {"old": "7"},
            {"id", "email"},
        ),
    ],
)
def test_the_column_id_is_sent_only_if_it_is_chosen(
    columns: Columns, sent: dict[str, str], used: set[str]
) -> None:
    row = {"id": "7", "email": "e", "a": "b"}

    _, of_cells = columns.of_cells([*row])([*row.values()])
    _, of_fields = FieldsBuilder(columns).build(row)

    assert of_cells["properties"] == of_fields["properties"] == sent
    assert columns.used([*row]) == used


def test_what_was_asked_for_and_never_seen_is_known() -> None:
    builder = FieldsBuilder(Columns(verb="update", properties=["a", "b", "c"]))
    builder.build({"id": 1, "a": 1})
    builder.build({"id": 1, "properties": {"b": 1}})

    assert builder.unseen == ["c"]


def test_one_text_is_no_collection_of_columns() -> None:
    with pytest.raises(ConfigurationError, match="not 'subject'"):
        Columns(verb="update", properties="subject")


# ---- the columns that a table of rows to fix has in addition


@pytest.mark.parametrize(
    ("header", "reason"),
    [(["id", "a"], "reason"), (["id", "reason"], "hubbatch_reason")],
)
def test_added_columns_are_found_again_and_not_sent(
    header: list[str], reason: str
) -> None:
    assert reason_column(header) == reason
    assert added_columns(header) == ()
    written = [*header, reason, "hubbatch"]

    assert added_columns(written) == ("hubbatch", reason)
    assert Columns(verb="update").chosen(written, "id") == {header[1]: header[1]}


# ---- options to add


def test_a_column_of_options_to_add() -> None:
    columns = Columns(
        verb="update", append=["roles"], properties={"roles": "role", "name": "name"}
    )

    build = columns.of_cells(["id", "roles", "name"])
    fields = columns.of_fields()
    added = {"role": Append(["a", "b"]), "name": "n"}

    assert build(["1", "a;b", "n"]) == ("1", {"id": "1", "properties": added})
    assert build(["1", "", "n"]) == ("1", {"id": "1", "properties": {"name": "n"}})
    assert build(["1"]) == ("1", {"id": "1", "properties": {}})
    line = {"id": "1", "roles": ["a", "b"], "name": "n"}
    assert fields.build(line) == ("1", {"id": "1", "properties": added})
    nothing = {"id": "1", "roles": None, "name": "n"}
    [_, item] = fields.build(nothing)
    assert item["properties"] == {"role": None, "name": "n"}
    nested = {"id": "1", "properties": {"roles": "a;b", "name": "n"}}
    assert fields.build(nested)[1]["properties"] == added
    assert columns.options()["append"] == ["roles"]


def test_a_record_keeps_its_other_properties() -> None:
    columns = Columns(verb="update", append=["role"])

    fields = columns.of_fields()
    nested = {"id": "1", "properties": {"role": "a", "name": "n"}}

    assert fields.build(nested)[1]["properties"] == {"role": Append(["a"]), "name": "n"}
    assert fields.build({"id": "1", "name": "n"})[1]["properties"] == {"name": "n"}


def test_columns_to_add_that_are_not_sent() -> None:
    columns = Columns(verb="update", append=["roles"])

    with pytest.raises(BadRow, match='"roles" is a column of --append, but it is not'):
        columns.of_cells(["id", "name"])
    fields = columns.of_fields()
    fields.build({"id": "1", "name": "n"})
    assert fields.unseen == ["roles"]
    with pytest.raises(ConfigurationError, match="must be a collection of columns"):
        Columns(verb="update", append="roles")

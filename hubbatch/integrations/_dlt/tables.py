"""The call to make for a table of a dlt pipeline: its verb, object type and columns.

It treats dlt's table schemas as plain mappings.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Literal, get_args

from attrs import frozen

from hubbatch._tables.column_mapping import BadRow, Columns, InputBuilder, KeyedInput
from hubbatch.errors import ConfigurationError


HINT = "x-hubspot"
WriteVerb = Literal["upsert", "update", "create", "archive"]

# The prefix of dlt's own columns and tables.
_OWN = "_dlt_"
# The merge strategies that have the effect of an upsert.
_STRATEGIES = ("delete-insert", "upsert")
# The column hints that have no equivalent in HubSpot.
_MARKS = {
    "hard_delete": "Archive those rows with a resource of their own, verb='archive'",
    "dedup_sort": "Choose the rows in the query",
}


@frozen(kw_only=True)
class Table:
    """The call to make with the rows of one table.

    Attributes:
        name: The table's name.
        verb: upsert, update, create or archive.
        object_type: E.g. `contacts`.
        id_property: The unique property that the ids are values of, if any.
        reconcile_by: The unique property that creates are looked up by.
        columns: How to convert its columns to inputs.
        timezone: The time zone of times without one.
    """

    name: str
    verb: WriteVerb
    object_type: str
    id_property: str | None
    reconcile_by: str | None
    columns: "TableColumns"
    timezone: str | None = None


@frozen
class TableColumns:
    """The column mapping of a table, without dlt's own columns.

    dlt omits NULLs from the rows, so `names` has the columns of the table's schema.
    """

    columns: Columns
    names: tuple[str, ...]

    def options(self) -> dict[str, Any]:
        """Return the options that affect how a file becomes inputs, as JSON values."""
        return self.columns.options()

    def of_cells(self, header: Sequence[str]) -> Callable[[Sequence[str]], KeyedInput]:
        """Return a function that turns a CSV row's cells into a key and an input."""
        return self.columns.of_cells(header)

    def of_fields(self) -> InputBuilder:
        """Return a builder of inputs from rows."""
        return _TableBuilder(self.columns.of_fields(), self.names)

    def used(self, present: Sequence[str]) -> set[str]:
        """Return the names of the columns whose values are sent."""
        return self.columns.used([name for name in present if name in self.names])


class _TableBuilder:
    """Adds missing columns to a row and removes dlt's own, then builds its input."""

    doubted: bool = False
    unseen: Sequence[str] = ()  # the schema was checked already

    def __init__(self, builder: InputBuilder, names: Sequence[str]) -> None:
        self._builder = builder
        self._names = names

    def build(self, row: object) -> KeyedInput:
        if not isinstance(row, Mapping):
            raise BadRow("not a row of a table")
        if isinstance(row.get("properties"), Mapping):  # in HubSpot's own shape
            present = [name for name in self._names if row.get(name) is not None]
        else:
            present = [*self._names]
        return self._builder.build({name: row.get(name) for name in present})


def hint(
    *,
    verb: str,
    object_type: str | None,
    id_property: str | None,
    id_column: str | None,
    properties: Mapping[str, str] | Iterable[str] | None,
    reconcile_by: str | None,
) -> dict[str, Any]:
    """Return the settings for HubSpot to store in a table's schema.

    Raises:
        ConfigurationError: If the settings contradict each other.
    """
    if isinstance(properties, str):
        raise ConfigurationError(
            f"properties must be a collection of names, not {properties!r}"
        )
    if properties is not None and not isinstance(properties, Mapping):
        properties = {name: name for name in properties}
    settings = {
        "verb": verb,
        "object_type": object_type,
        "id_property": id_property,
        "id_column": id_column,
        "properties": properties,
        "reconcile_by": reconcile_by,
    }
    _check_verb(settings, "hubspot_adapter")
    return {name: value for name, value in settings.items() if value is not None}


def read_table(schema: Mapping[str, Any], timezone: str | None = None) -> Table:
    """Return the call to make with the rows of a table.

    Args:
        schema: The table's schema, from dlt.
        timezone: The time zone of times without one.

    Raises:
        ConfigurationError: If the table cannot be loaded; the message says what to
            change.
    """
    name = schema["name"]
    settings = {"verb": "upsert", **schema.get(HINT, {})}
    _check_verb(settings, f"table {name!r}")
    _check_table(schema, name)
    columns: Mapping[str, Mapping[str, Any]] = schema["columns"]
    names = tuple(column for column in columns if not column.startswith(_OWN))
    keys = [column for column in names if columns[column].get("primary_key")]
    key = keys[0] if len(keys) == 1 else None
    id_property, id_column = settings.get("id_property"), settings.get("id_column", key)
    if settings["verb"] == "upsert" and id_property is None:
        if key is None:
            raise ConfigurationError(
                f"table {name!r}: an upsert needs a unique property to identify its "
                "rows by. Set a primary_key of one column on the resource, or "
                "use hubspot_adapter(..., id_property=...)"
            )
        id_property = key
    if settings["verb"] == "create":
        id_column = settings.get("id_column", settings["reconcile_by"])
    properties = settings.get("properties")
    _check_columns(name, id_column, properties, names)
    mapping = TableColumns(
        Columns(
            verb=settings["verb"],
            id_column=id_column,
            id_property=id_property,
            properties=properties,
            reconcile_by=settings.get("reconcile_by"),
        ),
        names,
    )
    if timezone is None:
        _check_times(name, mapping, columns)
    return Table(
        name=name,
        verb=settings["verb"],
        object_type=settings.get("object_type", name),
        id_property=id_property,
        reconcile_by=settings.get("reconcile_by"),
        columns=mapping,
        timezone=timezone,
    )


def _check_verb(settings: Mapping[str, Any], where: str) -> None:
    verb = settings["verb"]
    if verb not in get_args(WriteVerb):
        known = ", ".join(get_args(WriteVerb))
        raise ConfigurationError(f"{where}: verb must be one of {known}, not {verb!r}")
    reconciled = settings.get("reconcile_by") is not None
    if verb == "create" and not reconciled:
        raise ConfigurationError(
            f"{where}: dlt repeats a load that was interrupted, so a create needs "
            "reconcile_by, a unique property that every row sets; or upsert by it"
        )
    if verb != "create" and reconciled:
        raise ConfigurationError(f"{where}: only a create has reconcile_by")
    if verb in ("create", "archive") and settings.get("id_property") is not None:
        raise ConfigurationError(f"{where}: {verb} has no id_property")


def _check_table(schema: Mapping[str, Any], name: str) -> None:
    if schema.get("parent") is not None:
        raise ConfigurationError(
            f"table {name!r} is nested in {schema['parent']!r}, and HubSpot has no "
            "nested tables. Use max_table_nesting=0, and a separate resource for what "
            "should become separate records"
        )
    if schema.get("write_disposition") == "replace":
        raise ConfigurationError(
            f"table {name!r}: a load cannot replace HubSpot's records. Use "
            "write_disposition='merge' or 'append'"
        )
    strategy = schema.get("x-merge-strategy", "upsert")
    if strategy not in _STRATEGIES:  # scd2 would create records for old rows
        raise ConfigurationError(
            f"table {name!r}: HubSpot has no equivalent of the merge strategy "
            f"{strategy!r}. Use {' or '.join(_STRATEGIES)}"
        )
    for column, hints in schema["columns"].items():
        for mark, instead in _MARKS.items():
            if hints.get(mark):
                raise ConfigurationError(
                    f"table {name!r}: column {column!r} is a {mark}, which HubSpot "
                    f"does not have. {instead}"
                )


def _check_columns(
    table: str,
    id_column: str | None,
    properties: Mapping[str, str] | None,
    names: Sequence[str],
) -> None:
    has = f"(has: {', '.join(names)})"
    if id_column is not None and id_column not in names:
        raise ConfigurationError(f"table {table!r} has no column {id_column!r} {has}")
    # dlt's schema lacks a column that was always NULL, so some may be missing.
    if properties and not any(name in names for name in properties):
        wanted = ", ".join(properties)
        raise ConfigurationError(
            f"table {table!r} has none of the columns {wanted} {has}"
        )


def _check_times(
    table: str, mapping: TableColumns, columns: Mapping[str, Mapping[str, Any]]
) -> None:
    try:
        used = mapping.used([*columns])
    except BadRow as error:
        raise ConfigurationError(f"table {table!r}: {error}") from None
    for name in used:
        # dlt takes a time without this hint as UTC.
        if columns[name].get("timezone") is False:
            raise ConfigurationError(
                f"table {table!r}: the times in column {name!r} have no time zone. "
                'Set it, e.g. hubspot(timezone="UTC")'
            )
